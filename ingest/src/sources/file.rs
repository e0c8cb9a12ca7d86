//! The file's form: its keys, and what each may say. All problems are collected.

use std::num::NonZeroU32;

use providers::{Signing, dialect};
use runtime::secret::{Env, SecretAt};
use secrecy::{SecretSlice, SecretString};
use serde::Deserialize;
use shared::envelope::Mode;
use shared::origin::Provider;
use toml::{Table, Value};

use super::{Source, Verify, limiter};
use crate::address;

const KEYS: [&str; 11] = [
    "name",
    "provider",
    "mode",
    "signing_secrets",
    "verify",
    "token",
    "allow_ips",
    "rate_limit",
    "insecure",
    // The worker's.
    "api",
    "before_confirmation",
];
/// A name is part of a routing key, which holds 255 bytes.
const MAX_NAME: usize = 64;

#[derive(Debug, Deserialize)]
struct Entry {
    provider: Option<String>,
    mode: Option<String>,
    #[serde(default)]
    signing_secrets: Vec<SecretAt>,
    verify: Option<String>,
    token: Option<SecretAt>,
    #[serde(default)]
    allow_ips: Vec<String>,
    rate_limit: Option<i64>,
    #[serde(default)]
    insecure: bool,
}

/// The sources that could be read, and everything that is wrong.
pub(super) fn read(text: &str, env: Env<'_>) -> (Vec<Source>, Vec<String>) {
    let mut problems = Vec::new();
    let mut file = match text.parse::<Table>() {
        Ok(file) => file,
        Err(error) => return (Vec::new(), vec![format!("it is not TOML: {}", error.to_string().trim_end())]),
    };
    let entries = match file.remove("source") {
        Some(Value::Array(entries)) if !entries.is_empty() => entries,
        _ => {
            problems.push("there is no [[source]] in it".to_owned());
            Vec::new()
        }
    };
    problems.extend(file.keys().map(|key| format!("unknown key `{key}`; there is only [[source]]")));
    let read_entry = |(index, entry)| {
        let mut wrong = Vec::new();
        let name = name_of(&entry, index, &mut wrong);
        let source = source(name.clone(), entry, env, &mut wrong);
        problems.extend(wrong.into_iter().map(|problem| format!("source `{name}`: {problem}")));
        source
    };
    let sources = entries.into_iter().enumerate().filter_map(read_entry).collect();
    (sources, problems)
}

/// The name, or one by position to complain under.
fn name_of(entry: &Value, index: usize, wrong: &mut Vec<String>) -> String {
    let Some(name) = entry.get("name").and_then(Value::as_str) else {
        wrong.push("it has no name".to_owned());
        return format!("#{}", index + 1);
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.starts_with('-') || name.len() > MAX_NAME || !name.chars().all(allowed) {
        wrong.push(format!(
            "a name is 1 to {MAX_NAME} lower-case letters, digits and hyphens, and does not start with a hyphen"
        ));
    }
    name.to_owned()
}

fn source(name: String, entry: Value, env: Env<'_>, wrong: &mut Vec<String>) -> Option<Source> {
    let Value::Table(mut table) = entry else {
        wrong.push("it is not a table".to_owned());
        return None;
    };
    let unknown = table.keys().filter(|key| !KEYS.contains(&key.as_str()));
    wrong.extend(unknown.map(|key| format!("unknown key `{key}`; there are {}", KEYS.join(", "))));
    table.remove("name");
    let entry: Entry = match table.try_into() {
        Ok(entry) => entry,
        Err(error) => {
            wrong.push(error.to_string().trim_end().replace('\n', " "));
            return None;
        }
    };
    let provider = provider(entry.provider.as_deref(), wrong);
    check_proof(&entry, provider, wrong);
    let signing_secrets = signing_secrets(&entry.signing_secrets, provider, env, wrong);
    let rate_limit = rate_limit(entry.rate_limit, wrong);
    Some(Source {
        name,
        mode: mode(entry.mode.as_deref(), wrong),
        signing_secrets,
        verify: verify(entry.verify.as_deref(), wrong),
        token: entry.token.and_then(|at| token(&at, env, wrong)),
        allow_ips: entry.allow_ips.iter().filter_map(|text| note(address::network(text), "allow_ips", wrong)).collect(),
        insecure: entry.insecure,
        limiter: rate_limit.map(limiter),
        rate_limit,
        provider: provider?,
    })
}

fn note<T>(value: Result<T, String>, key: &str, wrong: &mut Vec<String>) -> Option<T> {
    value.map_err(|problem| wrong.push(format!("{key}: {problem}"))).ok()
}

fn provider(name: Option<&str>, wrong: &mut Vec<String>) -> Option<Provider> {
    let provider = name.and_then(Provider::parse);
    if provider.is_none() {
        let known: Vec<_> = Provider::ALL.iter().map(|provider| provider.as_str()).collect();
        wrong.push(format!("provider: it must be one of {}", known.join(", ")));
    }
    provider
}

/// A source must be able to tell its sender from anybody else.
fn check_proof(entry: &Entry, provider: Option<Provider>, wrong: &mut Vec<String>) {
    if let Some(provider) = provider
        && dialect(provider).signing() == Signing::Never
        && !entry.signing_secrets.is_empty()
    {
        wrong.push(format!("signing_secrets: {provider} does not sign its webhooks; use token or allow_ips"));
    }
    if entry.signing_secrets.is_empty() && entry.verify.is_some() {
        wrong.push("verify: there are no signing_secrets to verify with".to_owned());
    }
    let proven = !entry.signing_secrets.is_empty() || entry.token.is_some() || !entry.allow_ips.is_empty();
    if !proven && !entry.insecure {
        wrong.push(
            "anybody could send webhooks to it: give it signing_secrets, token or allow_ips, or say insecure = true"
                .to_owned(),
        );
    }
}

fn mode(text: Option<&str>, wrong: &mut Vec<String>) -> Mode {
    match text {
        None | Some("live") => Mode::Live,
        Some("test") => Mode::Test,
        Some(_) => {
            wrong.push("mode: it must be live or test".to_owned());
            Mode::default()
        }
    }
}

fn verify(text: Option<&str>, wrong: &mut Vec<String>) -> Verify {
    match text {
        None | Some("enforce") => Verify::Enforce,
        Some("observe") => Verify::Observe,
        Some(_) => {
            wrong.push("verify: it must be enforce or observe".to_owned());
            Verify::default()
        }
    }
}

fn rate_limit(number: Option<i64>, wrong: &mut Vec<String>) -> Option<NonZeroU32> {
    let number = number?;
    let limit = u32::try_from(number).ok().and_then(NonZeroU32::new);
    if limit.is_none() {
        wrong.push("rate_limit: it must be a whole number of webhooks a second, at least 1".to_owned());
    }
    limit
}

fn signing_secrets(
    at: &[SecretAt],
    provider: Option<Provider>,
    env: Env<'_>,
    wrong: &mut Vec<String>,
) -> Vec<SecretSlice<u8>> {
    let mut secrets = Vec::with_capacity(at.len());
    for at in at {
        let Some(text) = note(at.look_up(env), "signing_secrets", wrong) else { continue };
        let secret = SecretSlice::from(text.into_bytes());
        let form = provider.map_or(Ok(()), |provider| dialect(provider).check_secret(&secret));
        if note(form, "signing_secrets", wrong).is_some() {
            secrets.push(secret);
        }
    }
    secrets
}

fn token(at: &SecretAt, env: Env<'_>, wrong: &mut Vec<String>) -> Option<SecretString> {
    let token = note(at.look_up(env), "token", wrong)?;
    // Others would have to be escaped in the URL that is registered with the provider, which invites mistakes.
    if token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
        Some(SecretString::from(token))
    } else {
        wrong.push("token: it may hold letters, digits and -._~ only, as it is part of the URL".to_owned());
        None
    }
}
