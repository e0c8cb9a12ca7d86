//! Which sources there are, as far as the worker needs to know: a source's provider and mode, its API, and where its
//! webhooks go. The file is the one that `ingest` reads; what concerns authenticity is not looked at here.

use std::collections::BTreeMap;
use std::path::Path;

use providers::dialect;
use runtime::secret::{Env, SecretAt};
use secrecy::SecretString;
use serde::Deserialize;
use shared::envelope::Mode;
use shared::origin::Provider;
use toml::{Table, Value};

use crate::provider_api::settings::ApiSettings;

/// The sources by name.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<String, Source>);

#[derive(Debug, Clone)]
pub struct Source {
    pub provider: Provider,
    pub mode: Mode,
    /// What happens to what an unsigned webhook says, until the API has confirmed it.
    pub before_confirmation: BeforeConfirmation,
    /// How the provider's API is asked, if it may be.
    pub api: Option<ApiSettings>,
    pub token: Token,
}

/// What an unsigned webhook may bring about before it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeforeConfirmation {
    /// What is of value waits.
    #[default]
    Wait,
    /// It counts as if it were confirmed.
    Act,
}

/// The last segment of the URL of a source's webhooks.
#[derive(Debug, Clone)]
pub enum Token {
    /// The URL has none.
    None,
    Known(SecretString),
    /// There is one, which only `ingest` was given; the problem says where it was looked for.
    Unknown(String),
}

#[derive(Deserialize)]
struct Entry {
    provider: Provider,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    before_confirmation: BeforeConfirmation,
    token: Option<Value>,
    api: Option<Table>,
}

impl Sources {
    /// Reads the file that `SOURCES_FILE` names. The error is everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| vec![format!("{place}: {error}")])?;
        let sources = Self::parse(&text, |name| std::env::var(name).ok());
        sources.map_err(|problems| problems.into_iter().map(|problem| format!("{place}: {problem}")).collect())
    }

    /// Reads the text of such a file. `env` looks up environment variables. The error is everything that is wrong, each
    /// with the source's name.
    pub fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut file: Table = text.parse().map_err(|error| vec![one_line(&error)])?;
        let Some(Value::Array(entries)) = file.remove("source") else { return Ok(Self::default()) };
        let mut problems = Vec::new();
        let mut sources = BTreeMap::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let name = entry.get("name").and_then(Value::as_str).map(str::to_owned);
            let label = name.clone().unwrap_or_else(|| format!("#{}", index + 1));
            let mut wrong = Vec::new();
            let source = source(entry, &env, &mut wrong);
            match (name, source) {
                (Some(name), Some(source)) => drop(sources.insert(name, source)),
                (None, _) => wrong.push("it has no name".to_owned()),
                (Some(_), None) => {}
            }
            problems.extend(wrong.into_iter().map(|problem| format!("source `{label}`: {problem}")));
        }
        if problems.is_empty() { Ok(Self(sources)) } else { Err(problems) }
    }

    pub fn find(&self, name: &str) -> Option<&Source> {
        self.0.get(name)
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(name, source)| (name.as_str(), source))
    }

    /// Those where what is of value waits until the API has confirmed an unsigned webhook: it must be possible to ask.
    pub fn waiting(&self) -> Vec<String> {
        let waits = |source: &Source| source.api.is_some() && source.before_confirmation == BeforeConfirmation::Wait;
        self.iter().filter(|(_, source)| waits(source)).map(|(name, _)| name.to_owned()).collect()
    }

    /// Without a file, nothing is known of any source.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn source(entry: Value, env: Env<'_>, wrong: &mut Vec<String>) -> Option<Source> {
    let entry: Entry = entry.try_into().map_err(|error| wrong.push(one_line(&error))).ok()?;
    let token = entry.token.map_or(Token::None, |at| token(at, env));
    let api = match entry.api {
        Some(table) => Some(ApiSettings::read(table, &dialect(entry.provider).api, env, wrong)?),
        None => None,
    };
    Some(Source {
        provider: entry.provider,
        mode: entry.mode,
        before_confirmation: entry.before_confirmation,
        api,
        token,
    })
}

fn token(at: Value, env: Env<'_>) -> Token {
    // The parser's own words would quote what may be a secret in the wrong place.
    let Ok(at) = SecretAt::deserialize(at) else {
        return Token::Unknown("it must be { env = \"NAME\" } or { file = \"/path\" }".to_owned());
    };
    at.look_up(env).map_or_else(Token::Unknown, |token| Token::Known(token.into()))
}

fn one_line(error: &toml::de::Error) -> String {
    error.to_string().trim_end().replace('\n', " ")
}

#[cfg(test)]
mod tests;
