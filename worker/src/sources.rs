//! Which sources there are, as far as the worker needs to know: a source's provider and mode. The file is the one that
//! `ingest` reads; what concerns authenticity is not looked at here.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use shared::envelope::Mode;
use shared::provider::Provider;

/// The sources by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Source>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Source {
    pub provider: Provider,
    #[serde(default)]
    pub mode: Mode,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    source: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(flatten)]
    source: Source,
}

impl Sources {
    /// Reads the file that `SOURCES_FILE` names.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self(file.source.into_iter().map(|entry| (entry.name, entry.source)).collect()))
    }

    pub fn find(&self, name: &str) -> Option<Source> {
        self.0.get(name).copied()
    }

    /// Without a file, nothing is known of any source.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_ingest_is_read_past_what_only_ingest_needs() {
        let text = r#"
            [[source]]
            name = "airalo"
            provider = "airalo"
            signing_secrets = [{ env = "A" }]
            [[source]]
            name = "yoni-test"
            provider = "yoni"
            mode = "test"
            token = { file = "t" }
        "#;
        let sources = Sources::parse(text).unwrap();
        assert_eq!(sources.find("airalo"), Some(Source { provider: Provider::Airalo, mode: Mode::Live }));
        assert_eq!(sources.find("yoni-test"), Some(Source { provider: Provider::Yoni, mode: Mode::Test }));
        assert_eq!(sources.find("other"), None);
    }
}
