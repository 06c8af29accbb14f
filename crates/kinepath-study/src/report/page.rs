//! The document around the sections: style, script, library and data.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
const PLOTLY: &str = include_str!("vendor/plotly-basic.min.js");

/// Nothing may be loaded from outside the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data: blob:; base-uri 'none'; form-action 'none'";

/// The whole page; `data` is JSON without a `<`.
pub(super) fn document(title: &str, body: Markup, data: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "kinepath " (env!("CARGO_PKG_VERSION")) };
                title { (title) " · kinepath" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                script id="plot-data" type="application/json" { (PreEscaped(data)) }
                script { (PreEscaped(PLOTLY)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_files_cannot_end_their_own_element() {
        for text in [SCRIPT, PLOTLY] {
            assert!(!text.to_ascii_lowercase().contains("</script"));
            assert!(!text.contains("<!--"));
        }
        assert!(!STYLE.to_ascii_lowercase().contains("</style"));
        assert!(!STYLE.contains("url("));
    }
}
