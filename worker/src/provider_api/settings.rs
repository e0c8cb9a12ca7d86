//! How a source's API is asked: the table `api` in the file of the sources. The provider's dialect lists its keys.

use std::collections::BTreeMap;
use std::time::Duration;

use providers::{ApiDialect, BaseUrl, CredentialForm, CredentialKey, Credentials};
use reqwest::Url;
use runtime::secret::{Env, SecretAt};
use runtime::settings::duration;
use secrecy::SecretString;
use serde::Deserialize as _;
use toml::{Table, Value};

/// For connecting, sending and the whole answer together.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A source's API, and who we are there.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    pub base_url: Url,
    pub timeout: Duration,
    pub credentials: Credentials,
}

impl ApiSettings {
    /// Reads the table. What is wrong is added to `wrong`, each with its key.
    pub(crate) fn read(table: Table, dialect: &ApiDialect, env: Env<'_>, wrong: &mut Vec<String>) -> Option<Self> {
        let mut keys = Keys { table, env, wrong };
        let version = keys.version(&dialect.base_url);
        let values = keys.credentials(dialect.credentials);
        let base_url = keys.base_url(&dialect.base_url, version);
        let timeout = keys.timeout();
        keys.refuse_the_rest();
        let credentials = Credentials { values: values?, version };
        Some(Self { base_url: base_url?, timeout: timeout?, credentials })
    }
}

/// The table's keys, taken out one by one.
struct Keys<'a> {
    table: Table,
    env: Env<'a>,
    wrong: &'a mut Vec<String>,
}

impl Keys<'_> {
    /// The version of an API that has several.
    fn version(&mut self, base_url: &BaseUrl) -> Option<i64> {
        let BaseUrl::ByVersion { versions, meaning } = base_url else { return None };
        let chosen = self.table.remove("version").and_then(|value| value.as_integer());
        let known = |number: &i64| versions.iter().any(|(version, _)| version == number);
        chosen.filter(known).or_else(|| {
            let numbers: Vec<_> = versions.iter().map(|(version, _)| version.to_string()).collect();
            self.problem("version", &format!("it must be {}, {meaning}", numbers.join(" or ")))
        })
    }

    /// Every key is read before a wrong one ends this, so that all problems are told.
    fn credentials(&mut self, keys: &[CredentialKey]) -> Option<BTreeMap<&'static str, SecretString>> {
        let mut values = BTreeMap::new();
        let mut are_right = true;
        for key in keys {
            if key.form == CredentialForm::OptionalSecret && !self.table.contains_key(key.name) {
                continue;
            }
            let value = match key.form {
                CredentialForm::Identifier => self.identifier(key.name),
                CredentialForm::Secret | CredentialForm::OptionalSecret => self.secret(key.name),
            };
            are_right &= value.is_some();
            values.extend(value.map(|value| (key.name, value)));
        }
        are_right.then_some(values)
    }

    fn identifier(&mut self, key: &str) -> Option<SecretString> {
        match self.table.remove(key) {
            Some(Value::String(text)) => self.checked(key, text),
            other => self.secret_at(key, other),
        }
    }

    fn secret(&mut self, key: &str) -> Option<SecretString> {
        let value = self.table.remove(key);
        self.secret_at(key, value)
    }

    fn secret_at(&mut self, key: &str, value: Option<Value>) -> Option<SecretString> {
        let Some(value) = value else { return self.problem(key, "it is required and not set") };
        // The parser's own words would quote what may be a secret in the wrong place.
        let Ok(at) = SecretAt::deserialize(value) else {
            return self.problem(key, "it must be { env = \"NAME\" } or { file = \"/path\" }");
        };
        match at.look_up(self.env) {
            Ok(secret) => self.checked(key, secret),
            Err(problem) => self.problem(key, &problem),
        }
    }

    /// All of them travel in HTTP headers or sign what does.
    fn checked(&mut self, key: &str, secret: String) -> Option<SecretString> {
        if !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            Some(secret.into())
        } else {
            self.problem(key, "it must be visible ASCII characters, without spaces")
        }
    }

    fn base_url(&mut self, default: &BaseUrl, version: Option<i64>) -> Option<Url> {
        let text = match (self.table.remove("base_url"), default) {
            (Some(Value::String(text)), _) => text,
            (Some(_), _) => return self.problem("base_url", "it must be a URL in quotes"),
            (None, BaseUrl::Documented(url)) => (*url).to_owned(),
            (None, BaseUrl::ByVersion { versions, .. }) => {
                let (_, url) = versions.iter().find(|(number, _)| Some(*number) == version)?;
                (*url).to_owned()
            }
            (None, BaseUrl::Undocumented(why)) => {
                return self.problem("base_url", &format!("it is required: {why}"));
            }
        };
        match text.parse::<Url>() {
            Ok(url) if is_base(&url) => Some(url),
            _ => {
                self.problem("base_url", "it must be https://host/path (or http://), without user, query and fragment")
            }
        }
    }

    fn timeout(&mut self) -> Option<Duration> {
        let text = match self.table.remove("timeout") {
            None => return Some(TIMEOUT),
            Some(Value::String(text)) => text,
            Some(_) => String::new(),
        };
        duration(&text).map_err(|problem| self.wrong.push(format!("api.timeout: {problem}"))).ok()
    }

    fn refuse_the_rest(&mut self) {
        let unknown = self.table.keys().map(|key| format!("api.{key}: there is no such key for this provider"));
        self.wrong.extend(unknown);
    }

    fn problem<T>(&mut self, key: &str, problem: &str) -> Option<T> {
        self.wrong.push(format!("api.{key}: {problem}"));
        None
    }
}

fn is_base(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.fragment().is_none()
}
