//! Where the providers send their webhooks: shown and set by hand, and compared at start. A webhook's URL may hold a
//! secret path, so no URL is shown beyond what is public of it.

mod arguments;

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared::origin::Provider;
use store::Store;

use crate::provider_api::airalo::{self, Topic};
use crate::provider_api::{Api, ApiError, Apis, esim_access};
use crate::sources::{Sources, Token};
use arguments::{SourceArg, Type};

pub use arguments::{AiraloCommand, EsimAccessCommand, EsimAccessWebhook};

/// One source's API, and where its webhooks should go.
struct Subject<'a> {
    api: &'a Api,
    place: Result<Place, String>,
}

/// A URL of ours, as a provider sees it.
struct Place {
    url: SecretString,
    /// Without what is secret of it.
    public: String,
}

pub async fn run_airalo(
    command: &AiraloCommand,
    store: &Arc<dyn Store>,
    sources: &Sources,
    public_url: &Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let apis = Apis::open(sources, store)?;
    let subject = |source: &SourceArg| find(&apis, sources, public_url, &source.source, Provider::Airalo);
    match command {
        AiraloCommand::OptIn { source, types, levels } => opt_in(&subject(source)?, types, levels, out).await,
        AiraloCommand::OptOut { source, types } => opt_out(&subject(source)?, types, out).await,
        AiraloCommand::Status { source } => airalo_status(&subject(source)?, out).await,
        AiraloCommand::Simulate { source, about, event, levels, iccid, here } => {
            let subject = subject(source)?;
            let mut body = match about {
                Type::AsyncOrders => json!({ "event": "async_order_notification" }),
                Type::WebhookLowData => json!({ "event": "low_data_notification", "type": event.name() }),
                Type::WebhookCreditLimit => json!({ "event": "credit_limit_notification", "level": levels }),
            };
            if let Some(iccid) = iccid {
                body["iccid"] = json!(iccid);
            }
            if *here {
                body["webhook_url"] = json!(subject.place()?.url.expose_secret());
            }
            let sent = subject.api.send(&airalo::simulate(&body)).await;
            sent.map_err(advise).context("is the URL opted in, and does ingest answer there?")?;
            Ok(writeln!(out, "Airalo says that it sent it; it comes as a real one would")?)
        }
    }
}

pub async fn run_esim_access(
    command: &EsimAccessCommand,
    store: &Arc<dyn Store>,
    sources: &Sources,
    public_url: &Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let apis = Apis::open(sources, store)?;
    let EsimAccessCommand::Webhook(command) = command;
    let (EsimAccessWebhook::Set { source } | EsimAccessWebhook::Show { source }) = command;
    let subject = find(&apis, sources, public_url, &source.source, Provider::EsimAccess)?;
    let answer = subject.api.send(&esim_access::webhook()).await.map_err(advise)?.unwrap_or_default();
    let registered = esim_access::read_webhook(&answer);
    match command {
        EsimAccessWebhook::Show { .. } => writeln!(out, "webhooks go {}", subject.tell(registered))?,
        EsimAccessWebhook::Set { .. } => {
            let place = subject.place()?;
            if registered.is_some_and(|url| place.is(url)) {
                writeln!(out, "webhooks go to {} already; nothing was changed", place.public)?;
                return Ok(());
            }
            let set = esim_access::set_webhook(place.url.expose_secret());
            subject.api.send(&set).await.map_err(advise).context("it tests the URL; does ingest answer there?")?;
            let answer = subject.api.send(&esim_access::webhook()).await.map_err(advise)?.unwrap_or_default();
            if esim_access::read_webhook(&answer).is_some_and(|url| !place.is(url)) {
                bail!("eSIM Access kept another URL: it tests a URL before it saves it; does ingest answer there?");
            }
            writeln!(out, "webhooks go to {} now", place.public)?;
        }
    }
    Ok(())
}

async fn opt_in(subject: &Subject<'_>, types: &[Type], levels: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
    let place = subject.place()?;
    let registered = registered_at_airalo(subject.api).await.map_err(advise)?;
    let topics: Vec<_> =
        if types.is_empty() { Topic::ALL.to_vec() } else { types.iter().map(|chosen| chosen.topic()).collect() };
    for topic in topics {
        let levels = if topic == Topic::CreditLimit { levels } else { &[] };
        let is_there = |known: &Registered| known.is(topic) && place.is(&known.url) && known.tells_at(levels);
        if registered.iter().any(is_there) {
            writeln!(out, "{:<22} goes to {} already; nothing was changed", topic.as_str(), place.public)?;
            continue;
        }
        let request = airalo::opt_in(topic, place.url.expose_secret(), levels);
        let sent = subject.api.send(&request).await.map_err(advise);
        sent.with_context(|| format!("{}: Airalo tests the URL; does ingest answer there?", topic.as_str()))?;
        writeln!(out, "{:<22} goes to {} now", topic.as_str(), place.public)?;
    }
    Ok(())
}

async fn opt_out(subject: &Subject<'_>, types: &[Type], out: &mut impl Write) -> anyhow::Result<()> {
    for topic in types.iter().map(|chosen| chosen.topic()) {
        subject.api.send(&airalo::opt_out(topic)).await.map_err(advise).context(topic.as_str())?;
        writeln!(out, "{:<22} is not sent any more", topic.as_str())?;
    }
    Ok(())
}

async fn airalo_status(subject: &Subject<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let registered = registered_at_airalo(subject.api).await.map_err(advise)?;
    for topic in Topic::ALL {
        let url = registered.iter().find(|known| known.is(topic)).map(|known| known.url.as_str());
        writeln!(out, "{:<22} goes {}", topic.as_str(), subject.tell(url))?;
    }
    Ok(())
}

/// Looks at each provider whether its webhooks come here, and warns where they don't. What can't be looked at is a
/// warning, too, and nothing more.
pub async fn check(apis: &Apis, sources: &Sources, public_url: &str) {
    for (name, source) in sources.iter() {
        let Some(api) = apis.find(name) else { continue };
        let checked = match source.provider {
            Provider::Airalo => registered_at_airalo(api).await.map(|all| all.into_iter().map(|one| one.url).collect()),
            Provider::EsimAccess => registered_at_esim_access(api).await,
            // What their consoles say can't be asked for.
            Provider::Yoni | Provider::Simplifytrip | Provider::Airtm => continue,
        };
        let place = match Place::of(public_url, name, &source.token) {
            Ok(place) => place,
            Err(problem) => {
                tracing::warn!(source = name, problem, "it can't be checked whether webhooks come here");
                continue;
            }
        };
        match checked {
            Ok(urls) => warn_of(name, &place, &urls),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(source = name, error, "it can't be checked whether webhooks come here");
            }
        }
    }
}

fn warn_of(source: &str, place: &Place, urls: &[String]) {
    if urls.is_empty() {
        tracing::warn!(source, ours = place.public, "the provider has no URL to send webhooks to");
    }
    for url in urls.iter().filter(|url| !place.is(url)) {
        let registered = redact(url);
        tracing::warn!(source, registered, ours = place.public, "the provider sends webhooks to another URL");
    }
}

async fn registered_at_esim_access(api: &Api) -> Result<Vec<String>, ApiError> {
    let answer = api.send(&esim_access::webhook()).await?.unwrap_or_default();
    Ok(esim_access::read_webhook(&answer).map(str::to_owned).into_iter().collect())
}

/// What Airalo has registered for one type.
struct Registered {
    topic: String,
    url: String,
    levels: Vec<u64>,
}

impl Registered {
    fn is(&self, topic: Topic) -> bool {
        self.topic == topic.as_str()
    }

    /// None wished for is any.
    fn tells_at(&self, levels: &[u8]) -> bool {
        let mut wished: Vec<_> = levels.iter().copied().map(u64::from).collect();
        let mut told = self.levels.clone();
        wished.sort_unstable();
        told.sort_unstable();
        wished.is_empty() || wished == told
    }
}

async fn registered_at_airalo(api: &Api) -> Result<Vec<Registered>, ApiError> {
    let answer = api.send(&airalo::opted_in()).await?.unwrap_or_default();
    let mut found = Vec::new();
    collect_registered(&answer, &mut found);
    Ok(found)
}

/// Seen as one object, and as a list: wherever a type stands beside a place.
fn collect_registered(value: &Value, found: &mut Vec<Registered>) {
    match value {
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
            let topic = text("type").filter(|topic| Topic::ALL.iter().any(|known| known.as_str() == topic));
            if let (Some(topic), Some(url)) = (topic, text("contact_point").or_else(|| text("webhook_url"))) {
                let levels = object.get("levels").and_then(Value::as_array);
                let levels = levels.map(|levels| levels.iter().filter_map(Value::as_u64).collect());
                found.push(Registered { topic, url, levels: levels.unwrap_or_default() });
            }
            object.values().for_each(|inner| collect_registered(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| collect_registered(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn find<'a>(
    apis: &'a Apis,
    sources: &Sources,
    public_url: &Option<String>,
    name: &str,
    provider: Provider,
) -> anyhow::Result<Subject<'a>> {
    let Some(source) = sources.find(name) else { bail!("there is no source `{name}` in SOURCES_FILE") };
    if source.provider != provider {
        bail!("the source `{name}` is {}'s, not {provider}'s", source.provider);
    }
    let Some(api) = apis.find(name) else {
        bail!("the source `{name}` has no API credentials: give it api = {{ … }} in SOURCES_FILE");
    };
    let not_set = "PUBLIC_URL is not set: the base address of ingest as providers see it".to_owned();
    let place = public_url.as_ref().ok_or(not_set).and_then(|base| Place::of(base, name, &source.token));
    Ok(Subject { api, place })
}

impl Subject<'_> {
    fn place(&self) -> anyhow::Result<&Place> {
        self.place.as_ref().map_err(|problem| anyhow::anyhow!("{problem}"))
    }

    fn tell(&self, registered: Option<&str>) -> String {
        match (registered, &self.place) {
            (None, _) => "nowhere that the API would show".to_owned(),
            (Some(url), Ok(place)) if place.is(url) => format!("here: {}", place.public),
            (Some(url), Ok(_)) => format!("elsewhere: {}", redact(url)),
            (Some(url), Err(problem)) => format!("to {} ({problem})", redact(url)),
        }
    }
}

impl Place {
    fn of(public_url: &str, source: &str, token: &Token) -> Result<Self, String> {
        let url = format!("{}/webhooks/{source}", public_url.trim_end_matches('/'));
        match token {
            Token::None => Ok(Self { url: url.clone().into(), public: url }),
            Token::Known(token) => {
                Ok(Self { public: format!("{url}/…"), url: format!("{url}/{}", token.expose_secret()).into() })
            }
            Token::Unknown(problem) => Err(format!("the URL's token is needed, and {problem}")),
        }
    }

    fn is(&self, url: &str) -> bool {
        url.trim().trim_end_matches('/') == self.url.expose_secret()
    }
}

/// The host of a URL; its path may be a secret of its receiver.
fn redact(url: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let host = url[after_scheme..].split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{}{host}/…", &url[..after_scheme])
}

/// When to try again, for who sits before it.
fn advise(error: ApiError) -> anyhow::Error {
    let wait = match &error {
        ApiError::Later { retry_after, .. } => *retry_after,
        ApiError::Refused { .. } | ApiError::Denied { .. } => None,
    };
    let advice = wait.map(|wait| format!("try again in {} s", wait.as_secs() + 1));
    let error = anyhow::Error::new(error);
    match advice {
        Some(advice) => error.context(advice),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::of("https://hooks.example/", "esim-access", &Token::Known("hunter2".into())).unwrap()
    }

    #[test]
    fn our_url_is_recognised_and_its_token_is_not_shown() {
        let place = place();
        assert!(place.is("https://hooks.example/webhooks/esim-access/hunter2"));
        assert!(place.is("https://hooks.example/webhooks/esim-access/hunter2/"));
        assert!(!place.is("https://hooks.example/webhooks/esim-access/hunter3"));
        assert_eq!(place.public, "https://hooks.example/webhooks/esim-access/…");
    }

    #[test]
    fn of_another_url_only_the_host_is_shown() {
        for (url, expected) in [
            ("https://old.example/hook/hunter2?x=1", "https://old.example/…"),
            ("https://user:hunter2@old.example", "https://old.example/…"),
            ("old.example/hunter2", "old.example/…"),
        ] {
            assert_eq!(redact(url), expected);
        }
    }

    #[test]
    fn a_token_that_only_ingest_knows_is_told_as_the_reason() {
        let unknown = Token::Unknown("the environment variable T is not set or empty".to_owned());
        assert!(Place::of("https://hooks.example", "a", &unknown).is_err_and(|problem| problem.contains("variable T")));
    }

    #[test]
    fn airalos_subscriptions_are_found_alone_and_in_a_list() {
        let one = json!({ "type": "async_orders", "contact_point": "https://a.example/x" });
        let mail = json!({ "type": "email_low_data", "contact_point": "ops@a.example" });
        let limit =
            json!({ "type": "webhook_credit_limit", "contact_point": "https://a.example/y", "levels": [90, 70] });
        for answer in [
            json!({ "data": { "notification": one }, "meta": {} }),
            json!({ "data": { "notifications": [one, mail] } }),
            json!({ "data": [{ "notification": one }] }),
        ] {
            let mut found = Vec::new();
            collect_registered(&answer, &mut found);
            assert_eq!(found.len(), 1, "{answer}");
            assert!(found[0].is(Topic::AsyncOrders) && found[0].url == "https://a.example/x");
        }
        let mut found = Vec::new();
        collect_registered(&limit, &mut found);
        assert!(found[0].tells_at(&[70, 90]) && found[0].tells_at(&[]) && !found[0].tells_at(&[70]));
    }
}
