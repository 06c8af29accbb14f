//! Just enough of HTML to check a page.

/// Elements that have no end tag.
const VOID: [&str; 5] = ["meta", "link", "img", "br", "wbr"];
/// Elements whose content is text.
const RAW: [&str; 2] = ["script", "style"];

/// Text as it stands in markup.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Checks that every element that begins ends, in order, and that ids are unique.
pub(crate) fn check_well_formed(page: &str) -> Result<(), String> {
    let mut open: Vec<String> = Vec::new();
    for tag in tags(page) {
        let name = name(tag);
        if let Some(name) = name.strip_prefix('/') {
            match open.pop() {
                Some(expected) if expected == name => {}
                other => return Err(format!("</{name}> ends {other:?} in {open:?}")),
            }
        } else if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    if !open.is_empty() {
        return Err(format!("never ended: {open:?}"));
    }
    let mut ids: Vec<String> =
        attributes(page).into_iter().filter(|(_, name, _)| name == "id").map(|a| a.2).collect();
    ids.sort();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two elements have the id {}", pair[0])),
        None => Ok(()),
    }
}

/// Every `(element, attribute, value)` of the page.
pub(crate) fn attributes(page: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for tag in tags(page) {
        let element = name(tag);
        let mut rest = &tag[element.len()..];
        while let Some(equals) = rest.find("=\"") {
            let attribute = rest[..equals].trim().to_owned();
            let value = &rest[equals + 2..];
            let end = value.find('"').expect("an attribute ends");
            found.push((element.clone(), attribute, value[..end].to_owned()));
            rest = &value[end + 1..];
        }
    }
    found
}

/// The page without the named elements.
pub(crate) fn without_elements(page: &str, names: &[&str]) -> String {
    let mut text = page.to_owned();
    for name in names {
        let (start, end) = (format!("<{name}"), format!("</{name}>"));
        while let Some(from) = text.find(&start) {
            let to = from + text[from..].find(&end).expect("a raw element ends") + end.len();
            text.replace_range(from..to, "");
        }
    }
    text
}

/// The inside of every tag but the document type, raw content skipped.
fn tags(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') {
            continue;
        }
        found.push(tag);
        let name = name(tag);
        if RAW.contains(&name.as_str()) {
            rest = &rest[rest.find(&format!("</{name}>")).expect("a raw element ends")..];
        }
    }
    found
}

/// The element's name, with the slash of an end tag.
fn name(tag: &str) -> String {
    tag.split(char::is_whitespace).next().unwrap_or_default().to_owned()
}
