//! How a source's API is asked: the table `api` in the file of the sources.

use std::time::Duration;

use reqwest::Url;
use runtime::secret::{Env, SecretAt};
use runtime::settings::duration;
use secrecy::SecretString;
use serde::Deserialize as _;
use shared::origin::Provider;
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

/// Who we are at a provider.
#[derive(Debug, Clone)]
pub enum Credentials {
    Airalo {
        client_id: SecretString,
        client_secret: SecretString,
    },
    /// With a secret key, requests are signed.
    EsimAccess {
        access_code: SecretString,
        secret_key: Option<SecretString>,
    },
    Yoni {
        app_id: SecretString,
        app_secret: SecretString,
    },
    Simplifytrip {
        api_key: SecretString,
        secret_key: SecretString,
    },
    Airtm {
        version: AirtmVersion,
        api_key: SecretString,
        secret: SecretString,
    },
}

/// Airtm has two generations of its API, with other hosts and paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AirtmVersion {
    V1,
    V2,
}

impl ApiSettings {
    /// Reads the table. What is wrong is added to `wrong`, each with its key.
    pub(crate) fn read(table: Table, provider: Provider, env: Env<'_>, wrong: &mut Vec<String>) -> Option<Self> {
        let mut keys = Keys { table, env, wrong };
        let credentials = keys.credentials(provider);
        let base_url = keys.base_url(provider, credentials.as_ref());
        let timeout = keys.timeout();
        keys.refuse_the_rest();
        Some(Self { base_url: base_url?, timeout: timeout?, credentials: credentials? })
    }
}

/// Where the provider's documentation says that its API is. Yoni's names only a sandbox.
fn documented_base_url(credentials: &Credentials) -> Option<&'static str> {
    match credentials {
        Credentials::Airalo { .. } => Some("https://partners-api.airalo.com"),
        Credentials::EsimAccess { .. } => Some("https://api.esimaccess.com/api/v1/open"),
        Credentials::Yoni { .. } => None,
        Credentials::Simplifytrip { .. } => Some("https://merchant.simplifytrip.com"),
        Credentials::Airtm { version: AirtmVersion::V1, .. } => Some("https://payments.air-pay.io"),
        Credentials::Airtm { version: AirtmVersion::V2, .. } => Some("https://api.enterprise.airtm.com/v2"),
    }
}

/// The table's keys, taken out one by one.
struct Keys<'a> {
    table: Table,
    env: Env<'a>,
    wrong: &'a mut Vec<String>,
}

impl Keys<'_> {
    fn credentials(&mut self, provider: Provider) -> Option<Credentials> {
        // Each pair is read before either is missed, so that all problems are told.
        match provider {
            Provider::Airalo => {
                let (client_id, client_secret) = (self.identifier("client_id"), self.secret("client_secret"));
                Some(Credentials::Airalo { client_id: client_id?, client_secret: client_secret? })
            }
            Provider::EsimAccess => {
                let signs = self.table.contains_key("secret_key");
                let access_code = self.secret("access_code");
                let secret_key = if signs { Some(self.secret("secret_key")?) } else { None };
                Some(Credentials::EsimAccess { access_code: access_code?, secret_key })
            }
            Provider::Yoni => {
                let (app_id, app_secret) = (self.identifier("app_id"), self.secret("app_secret"));
                Some(Credentials::Yoni { app_id: app_id?, app_secret: app_secret? })
            }
            Provider::Simplifytrip => {
                let (api_key, secret_key) = (self.secret("api_key"), self.secret("secret_key"));
                Some(Credentials::Simplifytrip { api_key: api_key?, secret_key: secret_key? })
            }
            Provider::Airtm => {
                let version = self.airtm_version();
                let (api_key, secret) = (self.secret("api_key"), self.secret("secret"));
                Some(Credentials::Airtm { version: version?, api_key: api_key?, secret: secret? })
            }
        }
    }

    fn airtm_version(&mut self) -> Option<AirtmVersion> {
        match self.table.remove("version") {
            Some(Value::Integer(1)) => Some(AirtmVersion::V1),
            Some(Value::Integer(2)) => Some(AirtmVersion::V2),
            _ => self.problem("version", "it must be 1 or 2, the generation of Airtm's API that the key is for"),
        }
    }

    /// Not secret by itself, so it may stand in the file.
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

    fn base_url(&mut self, provider: Provider, credentials: Option<&Credentials>) -> Option<Url> {
        let text = match self.table.remove("base_url") {
            Some(Value::String(text)) => text,
            Some(_) => return self.problem("base_url", "it must be a URL in quotes"),
            None if provider == Provider::Yoni => {
                return self
                    .problem("base_url", "it is required: Yoni documents no host for production, ask Yoni for it");
            }
            None => documented_base_url(credentials?)?.to_owned(),
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
