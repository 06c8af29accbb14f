//! `KEY=VALUE,KEY=VALUE` behind the name of a family.

use std::str::FromStr;

/// The keys of a family, each taken by what understands it.
pub(crate) struct KeyValues<'a> {
    given: Vec<(&'a str, &'a str)>,
    /// The keys that were asked for.
    known: Vec<&'static str>,
}

impl<'a> KeyValues<'a> {
    /// Reads the parts between the commas.
    pub(crate) fn read(parts: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut given: Vec<(&str, &str)> = Vec::new();
        for part in parts {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not KEY=VALUE"))?;
            if given.iter().any(|(known, _)| *known == key) {
                return Err(format!("`{key}` is given twice"));
            }
            given.push((key, value));
        }
        Ok(Self { given, known: Vec::new() })
    }

    /// The text of a key, which then is taken.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a str> {
        self.known.push(key);
        let at = self.given.iter().position(|(given, _)| *given == key)?;
        Some(self.given.remove(at).1)
    }

    /// Whatever keys there are, with their texts.
    pub(crate) fn take_all(&mut self) -> Vec<(&'a str, &'a str)> {
        std::mem::take(&mut self.given)
    }

    /// The number of a key, `usual` unless told.
    pub(crate) fn number<T: FromStr>(&mut self, key: &'static str, usual: T) -> Result<T, String> {
        self.take(key).map_or(Ok(usual), |text| number(key, text))
    }

    /// The number of a key that must be there.
    pub(crate) fn needed<T: FromStr>(&mut self, key: &'static str) -> Result<T, String> {
        let text = self.take(key).ok_or_else(|| format!("it needs `{key}=`"))?;
        number(key, text)
    }

    /// Refuses keys that nothing has taken.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.given.first() {
            None => Ok(()),
            Some((key, _)) if self.known.is_empty() => Err(format!("it has no key `{key}`")),
            Some((key, _)) => {
                Err(format!("it has no key `{key}`; it has {}", self.known.join(", ")))
            }
        }
    }
}

/// A number, as the value of `key`.
pub(crate) fn number<T: FromStr>(key: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{key}={text}` is not such a number"))
}
