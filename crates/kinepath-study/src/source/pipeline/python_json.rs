//! JSON as Python writes it, with numbers that JSON does not have.

/// `text` with `null` for every `NaN`, `Infinity` and `-Infinity` outside strings, as Python's `json` and
/// with it diffusers' `save_config` write them.
pub(super) fn without_infinities(text: &str) -> String {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let (mut plain, mut rest, mut in_string) = (String::with_capacity(text.len()), text, false);
    while let Some(first) = rest.chars().next() {
        if !in_string && let Some(word) = WORDS.iter().find(|word| rest.starts_with(**word)) {
            plain.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        in_string ^= first == '"';
        // An escaped quote ends no string.
        let escaped = usize::from(in_string && first == '\\');
        let length = rest.chars().take(1 + escaped).map(char::len_utf8).sum();
        plain.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_lacks_become_nothing() {
        let text = r#"{"lambda_min_clipped": -Infinity, "a": [NaN, 1.5, Infinity], "b": null}"#;
        let plain = r#"{"lambda_min_clipped": null, "a": [null, 1.5, null], "b": null}"#;
        assert_eq!(without_infinities(text), plain);
    }

    #[test]
    fn strings_stay_as_they_are() {
        for text in [r#"{"NaN": "-Infinity", "ä\"NaN": "\\"}"#, r#"["\\", "NaN"]"#, "\"NaN", ""] {
            assert_eq!(without_infinities(text), text);
        }
    }
}
