//! `KEY=VALUE,KEY=VALUE` behind the name of a family.

/// The keys of a family, each taken by what understands it.
pub(crate) struct KeyValues<'a>(Vec<(&'a str, &'a str)>);

impl<'a> KeyValues<'a> {
    /// Reads the parts between the commas.
    pub(crate) fn read(parts: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut keys: Vec<(&str, &str)> = Vec::new();
        for part in parts {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not KEY=VALUE"))?;
            if keys.iter().any(|(known, _)| *known == key) {
                return Err(format!("`{key}` is given twice"));
            }
            keys.push((key, value));
        }
        Ok(Self(keys))
    }

    /// The text of a key, which then is taken.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|(known, _)| *known == key)?;
        Some(self.0.remove(at).1)
    }

    /// The number of a key, `usual` unless told.
    pub(crate) fn number<T: std::str::FromStr>(
        &mut self,
        key: &str,
        usual: T,
    ) -> Result<T, String> {
        match self.take(key) {
            None => Ok(usual),
            Some(text) => text.parse().map_err(|_| format!("`{key}={text}` is not such a number")),
        }
    }

    /// Refuses keys that nothing has taken.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(format!("it has no key `{key}`")),
        }
    }
}
