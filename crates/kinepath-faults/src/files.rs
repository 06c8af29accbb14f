//! Folders as names and bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every file below a folder, by its path within, with its bytes.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads all files below `folder`.
pub(crate) fn read(folder: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).map_err(io::Error::other)?.to_owned();
                files.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// Writes `files` below `folder`.
pub(crate) fn write(files: &Files, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// The files of the folder `name`, by their paths within it, and all others.
pub(crate) fn split(files: Files, name: &str) -> (Files, Files) {
    let (mut inside, mut outside) = (Files::new(), Files::new());
    for (path, bytes) in files {
        match path.strip_prefix(name) {
            Ok(within) => inside.insert(within.to_owned(), bytes),
            Err(_) => outside.insert(path, bytes),
        };
    }
    (inside, outside)
}

/// How `actual` differs from `expected`, in words; nothing if it does not.
pub(crate) fn difference(actual: &Files, expected: &Files) -> Option<String> {
    let mut differences = Vec::new();
    for (name, bytes) in expected {
        match actual.get(name) {
            None => differences.push(format!("{} is missing", name.display())),
            Some(other) if other != bytes => {
                let at = bytes.iter().zip(other).position(|(a, b)| a != b);
                let at = at.unwrap_or(bytes.len().min(other.len()));
                differences.push(format!("{} differs from byte {at} on", name.display()));
            }
            Some(_) => {}
        }
    }
    let more = actual.keys().filter(|name| !expected.contains_key(*name));
    differences.extend(more.map(|name| format!("{} should not be there", name.display())));
    (!differences.is_empty()).then(|| differences.join(", "))
}

/// Whether a file of an unfinished folder is of the kind that processes at work leave: a lock, a
/// temporary name, or a part.
pub(crate) fn is_provisional(name: &Path) -> bool {
    let hidden =
        name.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".kinepath"));
    hidden || name.components().any(|part| part.as_os_str() == "parts")
}

/// Whether a file is one that a process still writes or was writing when it was killed.
pub(crate) fn is_temporary(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_told() {
        let files = |list: &[(&str, &str)]| -> Files {
            list.iter()
                .map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec()))
                .collect()
        };
        let expected = files(&[("a", "one"), ("b/c", "two"), ("d", "three")]);
        assert_eq!(difference(&expected, &expected), None);
        let actual = files(&[("a", "one"), ("b/c", "twp"), ("e", "")]);
        let told = difference(&actual, &expected).unwrap();
        assert_eq!(told, "b/c differs from byte 2 on, d is missing, e should not be there");
        assert!(difference(&files(&[("a", "on")]), &files(&[("a", "one")])).unwrap().contains("2"));
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let files: Files = [("a".into(), vec![1]), ("b/c".into(), vec![2, 3])].into();
        write(&files, folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), files);
        let (inside, outside) = split(files, "b");
        assert_eq!(
            (inside, outside),
            ([("c".into(), vec![2, 3])].into(), [("a".into(), vec![1])].into())
        );
    }
}
