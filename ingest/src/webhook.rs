//! The handler: finds the source, checks who sends and what, has the webhook made durable, answers. It reads no meaning.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use chrono::{DateTime, SubsecRound as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use providers::{IncomingRequest, Unauthentic, dialect};
use runtime::queue::Publish;
use serde::Deserialize;
use serde_json::json;
use shared::Timestamp;
use shared::envelope::{Envelope, Origin};
use shared::trace::TraceContext;
use tokio::time::timeout;
use uuid::Uuid;

use crate::address;
use crate::intake::{Durable, Intake};
use crate::metrics::{Accepted, Metrics, Refused, UNKNOWN};
use crate::rejection::Rejection;
use crate::settings::WebhookSettings;
use crate::sources::{Source, Verify};

/// A longer header value is no signature of any provider's, and would not fit in a message's head (bytes).
const MAX_HEADER_VALUE: usize = 8 * 1024;
/// AMQP's limit for a content type (bytes).
const MAX_CONTENT_TYPE: usize = 255;
/// Microseconds.
const TIME_DIGITS: u16 = 6;

/// What the handler works with. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct App<P> {
    settings: Arc<WebhookSettings>,
    intake: Intake<P>,
    metrics: Metrics,
}

impl<P: Publish> App<P> {
    pub(crate) fn new(settings: WebhookSettings, intake: Intake<P>, metrics: Metrics) -> Self {
        Self { settings: Arc::new(settings), intake, metrics }
    }
}

pub(crate) fn router<P: Publish>(app: App<P>) -> Router {
    Router::new()
        .route("/webhooks/{source}", any(handle::<P>))
        .route("/webhooks/{source}/{token}", any(handle::<P>))
        .fallback(|| async { Rejection::Unknown })
        .with_state(app)
}

#[derive(Deserialize)]
struct Address {
    source: String,
    token: Option<String>,
}

async fn handle<P: Publish>(
    State(app): State<App<P>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(path): Path<Address>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let found = app.settings.sources.find(&path.source, path.token.as_deref());
    let name = found.as_ref().map_or(UNKNOWN, |source| source.name.as_str()).to_owned();
    let answer = match found {
        Some(source) => answer(&app, source, peer, request).await,
        None => Err(Rejection::Unknown),
    };
    app.metrics.duration.observe(started.elapsed().as_secs_f64());
    answer.unwrap_or_else(|rejection| {
        tell(&name, peer, &rejection);
        app.metrics.rejected.get_or_create(&Refused { source: name, reason: rejection.reason() }).inc();
        rejection.into_response()
    })
}

/// Strangers are the Internet's weather; a known source that is refused is somebody's business.
fn tell(source: &str, peer: SocketAddr, rejection: &Rejection) {
    match rejection {
        Rejection::Unknown => tracing::debug!(peer.address = %peer, reason = %rejection, "refused a request"),
        Rejection::NowhereDurable | Rejection::Bug => tracing::error!(source, reason = %rejection, "refused a webhook"),
        _ => tracing::warn!(source, peer.address = %peer, reason = %rejection, "refused a webhook"),
    }
}

async fn answer<P: Publish>(
    app: &App<P>,
    source: Arc<Source>,
    peer: SocketAddr,
    request: Request,
) -> Result<Response, Rejection> {
    let method = request.method();
    // Airalo and eSIM Access ask once whether the address answers.
    if method == Method::GET || method == Method::HEAD {
        return Ok(().into_response());
    }
    if method != Method::POST {
        return Err(Rejection::Method);
    }
    let (head, body) = request.into_parts();
    check_address(&app.settings, &source, peer, &head.headers)?;
    let body = read_body(&app.settings, &head.headers, body).await?;
    let envelope = envelope(&source, &head.headers, body);
    let proven = check_signature(&app.metrics, &source, &envelope)?;
    let envelope = with_proof(envelope, proven);
    // After the signature, so that nobody can use up a source's rate without being that source.
    source.admit().map_err(|retry_after| Rejection::Rate { retry_after })?;
    keep(app, &source, envelope).await
}

fn check_address(
    settings: &WebhookSettings,
    source: &Source,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Result<(), Rejection> {
    if source.allow_ips.is_empty() {
        return Ok(());
    }
    // A line that is not text is not an address either; an empty one stands for it.
    let forwarded: Vec<_> =
        headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default()).collect();
    let client = address::client(peer.ip(), forwarded.into_iter(), &settings.endpoint.trusted_proxies);
    match client {
        Ok(client) if address::contains(&source.allow_ips, client) => Ok(()),
        Ok(client) => {
            tracing::debug!(source = source.name, client.address = %client, "not in allow_ips");
            Err(Rejection::Address)
        }
        Err(_not_an_address) => Err(Rejection::Address),
    }
}

async fn read_body(settings: &WebhookSettings, headers: &HeaderMap, body: Body) -> Result<Bytes, Rejection> {
    let limit = settings.endpoint.body_limit_bytes;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Rejection::BodyLarge);
    }
    match timeout(settings.endpoint.body_timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Rejection::BodyLarge),
        Ok(Err(_broken)) => Err(Rejection::BodyBroken),
        Err(_elapsed) => Err(Rejection::BodySlow),
    }
}

fn envelope(source: &Source, headers: &HeaderMap, body: Bytes) -> Envelope {
    let text = |name: &str, limit: usize| {
        let value = headers.get(name)?.to_str().ok().filter(|value| value.len() <= limit)?;
        Some(value.to_owned())
    };
    let kept = dialect(source.provider).headers().iter();
    let headers: BTreeMap<_, _> =
        kept.filter_map(|name| Some(((*name).to_owned(), text(name, MAX_HEADER_VALUE)?))).collect();
    let parent = text("traceparent", MAX_HEADER_VALUE).and_then(|header| TraceContext::parse(&header));
    let trace = parent.map_or_else(|| TraceContext::start(rand::random()), |parent| parent.child(rand::random()));
    Envelope {
        id: Uuid::now_v7(),
        source: source.name.clone(),
        provider: source.provider,
        mode: source.mode,
        origin: Origin::Webhook,
        received_at: now(),
        content_type: text(header::CONTENT_TYPE.as_str(), MAX_CONTENT_TYPE),
        traceparent: Some(trace.to_string()),
        headers,
        body: body.into(),
    }
}

/// PostgreSQL keeps microseconds; cut here, the time is the same everywhere.
fn now() -> Timestamp {
    DateTime::from(SystemTime::now()).trunc_subsecs(TIME_DIGITS)
}

/// Whether somebody who may be let in has proven to be the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proven {
    Signed,
    Unsigned,
}

fn check_signature(metrics: &Metrics, source: &Source, envelope: &Envelope) -> Result<Proven, Rejection> {
    if source.signing_secrets.is_empty() {
        return Ok(Proven::Unsigned);
    }
    let signed =
        IncomingRequest { headers: &envelope.headers, body: &envelope.body, received_at: envelope.received_at };
    match (dialect(source.provider).authenticate(signed, &source.signing_secrets), source.verify) {
        (Ok(()), _) => Ok(Proven::Signed),
        (Err(reason), Verify::Enforce) => Err(Rejection::Signature(reason)),
        (Err(reason), Verify::Observe) => {
            observe(metrics, envelope, reason);
            Ok(Proven::Unsigned)
        }
    }
}

/// Whoever reads the envelope later has no secret, and takes a signature in it for a right one.
fn with_proof(mut envelope: Envelope, proven: Proven) -> Envelope {
    if proven == Proven::Unsigned {
        let signatures = dialect(envelope.provider).signature_headers();
        envelope.headers.retain(|name, _| !signatures.contains(&name.as_str()));
    }
    envelope
}

fn observe(metrics: &Metrics, envelope: &Envelope, unauthentic: Unauthentic) {
    let source = envelope.source.clone();
    let reason = Rejection::Signature(unauthentic).reason();
    tracing::warn!(
        event.id = %envelope.id,
        source,
        reason = %unauthentic,
        "accepted a webhook with a wrong signature, as the source says verify = \"observe\""
    );
    metrics.observed.get_or_create(&Refused { source, reason }).inc();
}

async fn keep<P: Publish>(app: &App<P>, source: &Source, envelope: Envelope) -> Result<Response, Rejection> {
    let id = envelope.id;
    let trace_id = envelope.traceparent.as_deref().and_then(TraceContext::parse).map(|trace| trace.trace_id());
    let body_bytes = envelope.body.len();
    let intake = app.intake.clone();
    // In a task of its own: a sender that hangs up must not stop it between the broker and the spool.
    let kept = tokio::spawn(async move { intake.keep(envelope).await }).await;
    let durable: Durable = match kept {
        Ok(Ok(durable)) => durable,
        Ok(Err(error)) => {
            tracing::error!(event.id = %id, source = source.name, error = %error, "no place for a webhook");
            return Err(Rejection::NowhereDurable);
        }
        Err(_panicked) => return Err(Rejection::Bug),
    };
    let path = durable.as_str();
    tracing::info!(event.id = %id, source = source.name, trace.id = trace_id, path, body_bytes, "accepted a webhook");
    app.metrics.accepted.get_or_create(&Accepted { source: source.name.clone(), path }).inc();
    Ok(axum::Json(json!({ "id": id })).into_response())
}

#[cfg(test)]
mod tests {
    use shared::envelope::Mode;
    use shared::origin::Provider;

    use super::*;

    #[track_caller]
    fn check(provider: Provider, sent: &[&str], proven: Proven, kept: &[&str]) {
        let envelope = Envelope {
            id: Uuid::nil(),
            source: "shop".to_owned(),
            provider,
            mode: Mode::Live,
            origin: Origin::Webhook,
            received_at: Timestamp::UNIX_EPOCH,
            content_type: None,
            traceparent: None,
            headers: sent.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect(),
            body: Vec::new(),
        };
        let headers = with_proof(envelope, proven).headers;
        assert_eq!(headers.keys().map(String::as_str).collect::<Vec<_>>(), kept);
    }

    #[test]
    fn only_a_verified_signature_stays_in_the_envelope() {
        let svix = ["svix-id", "svix-signature", "svix-timestamp"];
        check(Provider::Airtm, &svix, Proven::Signed, &svix);
        check(Provider::Airtm, &svix, Proven::Unsigned, &["svix-id", "svix-timestamp"]);
        check(Provider::Airtm, &["webhook-id", "webhook-signature"], Proven::Unsigned, &["webhook-id"]);
        check(Provider::Airalo, &["airalo-signature"], Proven::Signed, &["airalo-signature"]);
        check(Provider::Airalo, &["airalo-signature"], Proven::Unsigned, &[]);
        check(Provider::Simplifytrip, &["x-simplify-trip-signature"], Proven::Unsigned, &[]);
    }
}
