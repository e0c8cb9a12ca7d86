//! An HTTP server: connections, their limits and their end; `/healthz`, `/readyz`, `/metrics`; errors as problem+json.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use prometheus_client::registry::Registry;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

/// Connections at a time; more wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 8_192;
/// A request's head must be here within this time. It also ends idle connections, so it is longer than the idle time of
/// the usual proxies (60 s): they must not find a connection closed that they are about to use.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// After an error of `accept` (no file descriptors left), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// The most that a probe reads of an answer (bytes).
const PROBE_LIMIT: u64 = 64 * 1024;

/// An error as RFC 9457 has it. It says nothing that an attacker could use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Names the kind of problem; `about:blank` means that the status says it all.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { kind: "about:blank", title, status: status.as_u16(), detail: None }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, content_type)], serde_json::to_vec(&self).unwrap_or_default()).into_response()
    }
}

/// Serves until `stop`, then lets the requests in flight end, for at most `drain`. The peer's address is in the
/// requests' extensions as `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, drain: Duration) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    while let Some((stream, peer, place)) = next_connection(&listener, &places, &stop).await {
        let router = router.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), answer));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(?drain, "left requests unanswered that took too long to stop");
    }
    Ok(())
}

async fn next_connection(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let accept = async {
        let place = places.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, place)),
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    let (stream, peer, place) = tokio::select! {
        biased;
        () = stop.cancelled() => return None,
        accepted = accept => accepted?,
    };
    // Answers are small: sent at once, not gathered.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't set TCP_NODELAY");
    }
    Some((stream, peer, place))
}

/// What a program says about itself.
#[derive(Clone)]
pub struct Status {
    ready: Arc<dyn Fn() -> Result<(), Vec<String>> + Send + Sync>,
    registry: Arc<Registry>,
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Status").finish_non_exhaustive()
    }
}

impl Status {
    /// `ready` answers at once; its error says, one sentence each, what is missing.
    pub fn new(registry: Arc<Registry>, ready: impl Fn() -> Result<(), Vec<String>> + Send + Sync + 'static) -> Self {
        Self { ready: Arc::new(ready), registry }
    }

    /// `/healthz` (the process answers), `/readyz` (it can do its work), `/metrics` (Prometheus).
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

async fn readyz(State(status): State<Status>) -> Response {
    match (status.ready)() {
        Ok(()) => "ready\n".into_response(),
        Err(reasons) => Problem::new(StatusCode::SERVICE_UNAVAILABLE).with_detail(reasons.join("; ")).into_response(),
    }
}

async fn metrics(State(status): State<Status>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &status.registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "can't write the metrics");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
    }
}

/// Asks the program that listens on `listen` whether it is ready; the error is what it says, or why it can't be asked.
pub async fn probe(listen: SocketAddr) -> Result<(), String> {
    let asked = timeout(PROBE_TIMEOUT, ask_ready(reachable(listen))).await;
    let answer = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(format!("no answer at {listen}: {error}")),
        Err(_elapsed) => return Err(format!("no answer at {listen} within {PROBE_TIMEOUT:?}")),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) == Some("200") { Ok(()) } else { Err(format!("not ready: {}", body.trim())) }
}

/// Where a program that listens on every address can be reached from its own machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), listen.port()),
        _ => listen,
    }
}

async fn ask_ready(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(PROBE_LIMIT).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_probe_tells_ready_from_not_ready_and_from_absent() {
        let ready = Arc::new(AtomicBool::new(true));
        let told = ready.clone();
        let status = Status::new(Arc::new(Registry::default()), move || {
            if told.load(Ordering::Relaxed) { Ok(()) } else { Err(vec!["the spool is full".to_owned()]) }
        });
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, status.router(), stop.clone(), Duration::from_secs(1)));
        assert_eq!(probe(address).await, Ok(()));
        ready.store(false, Ordering::Relaxed);
        assert!(probe(address).await.unwrap_err().contains("the spool is full"));
        stop.cancel();
        server.await.unwrap().unwrap();
        assert!(probe(address).await.unwrap_err().starts_with("no answer at"));
    }

    #[tokio::test]
    async fn a_request_in_flight_is_answered_after_stop() {
        let slow = Router::new().route(
            "/readyz",
            get(|| async {
                sleep(Duration::from_millis(200)).await;
                "done"
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, slow, stop.clone(), Duration::from_secs(5)));
        let asked = tokio::spawn(ask_ready(address));
        sleep(Duration::from_millis(50)).await;
        stop.cancel();
        assert!(asked.await.unwrap().unwrap().contains("done"));
        server.await.unwrap().unwrap();
    }
}
