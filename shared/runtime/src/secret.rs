//! Where secrets are: in the environment or in a file of their own, never in a file of settings.

use std::path::PathBuf;

use serde::Deserialize;

/// Looks up environment variables.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretAt {
    Env(String),
    File(PathBuf),
}

impl SecretAt {
    /// The secret; an empty one is as good as none. A file's last line end is not part of it: editors add it.
    pub fn look_up(&self, env: Env<'_>) -> Result<String, String> {
        let (secret, place) = match self {
            Self::Env(name) => (env(name).unwrap_or_default(), format!("the environment variable {name}")),
            Self::File(path) => {
                let place = format!("the file {}", path.display());
                let text = std::fs::read_to_string(path).map_err(|error| format!("can't read {place}: {error}"))?;
                (text.trim_end_matches(['\n', '\r']).to_owned(), place)
            }
        };
        if secret.is_empty() { Err(format!("{place} is not set or empty")) } else { Ok(secret) }
    }
}
