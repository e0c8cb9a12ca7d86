//! The providers' APIs over real HTTP: tokens that expire, limits, errors in a 200, answers that are slow or half.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::{Setup, System, tables};
use serde_json::{Value, json};
use shared::fact::EntityKey;
use shared::lookup::{Hints, Lookup, LookupKind};
use store::{Store, postgres};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};
use worker::provider_api::{ApiError, Apis, ProviderApi};
use worker::sources::Sources;

const SECRET: &str = "hunter2-that-nobody-may-see";

async fn database() -> System {
    Setup::default().without_ingest().start().await
}

/// One worker's APIs: sources called as their providers, all at `base_url`.
fn apis(system: &System, base_url: &str) -> Apis {
    let both = "api_key = { env = \"S\" }, secret_key = { env = \"S\" }";
    let entries = [
        ("airalo", "client_id = \"id\", client_secret = { env = \"S\" }"),
        ("esim_access", "access_code = { env = \"S\" }, secret_key = { env = \"S\" }"),
        ("yoni", "app_id = \"id\", app_secret = { env = \"S\" }"),
        ("simplifytrip", both),
        ("airtm", "version = 1, api_key = { env = \"S\" }, secret = { env = \"S\" }"),
    ];
    let file = entries.map(|(provider, keys)| {
        let api = format!("{{ {keys}, base_url = \"{base_url}\", timeout = \"1500ms\" }}");
        format!("[[source]]\nname = \"{provider}\"\nprovider = \"{provider}\"\napi = {api}\n")
    });
    let sources = Sources::parse(&file.concat(), |_| Some(SECRET.to_owned())).unwrap();
    let store: Arc<dyn Store> = Arc::new(postgres::open(&system.database_url.clone().into(), 4).unwrap());
    Apis::open(&sources, &store).unwrap()
}

fn order(reference: &str) -> Lookup {
    Lookup { about: EntityKey::Order(reference.to_owned()), kind: LookupKind::Order, hints: Hints::default() }
}

async fn ask(apis: &Apis, source: &str, lookup: &Lookup) -> Result<Option<Value>, ApiError> {
    let api: &ProviderApi = apis.find(source).unwrap();
    let answer = api.ask(lookup).await;
    let told = format!("{answer:?} {apis:?}");
    assert!(!told.contains(SECRET), "{told}");
    answer
}

#[track_caller]
fn later(answer: Result<Option<Value>, ApiError>) -> (String, Option<Duration>) {
    match answer {
        Err(ApiError::Later { reason, retry_after }) => (reason, retry_after),
        other => panic!("{other:?}"),
    }
}

fn json_of(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/json")
}

/// Gives tokens called `token-1`, `token-2`, …
struct Issuer {
    issued: AtomicUsize,
    expires_in: u32,
}

impl Respond for Issuer {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let token = format!("token-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
        let data = json!({ "token_type": "Bearer", "expires_in": self.expires_in, "access_token": token });
        json_of(200, &json!({ "data": data, "meta": { "message": "success" } }))
    }
}

/// Issues tokens that live so long; asked for so many times.
async fn issues(server: &MockServer, expires_in: u32, times: u64) {
    let form = format!("client_id=id&client_secret={SECRET}&grant_type=client_credentials");
    Mock::given(method("POST"))
        .and(path("/v2/token"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string(form))
        .respond_with(Issuer { issued: AtomicUsize::new(0), expires_in })
        .expect(times)
        .mount(server)
        .await;
}

async fn answers(server: &MockServer, response: ResponseTemplate, times: u64) {
    Mock::given(wiremock::matchers::any()).respond_with(response).expect(times).mount(server).await;
}

#[tokio::test]
async fn a_token_that_was_revoked_is_fetched_once_more() {
    let (system, server) = (database().await, MockServer::start().await);
    issues(&server, 86_400, 2).await;
    let answer = json!({ "data": { "id": 4711 }, "meta": { "message": "succes" } });
    for (token, response) in [("token-1", json_of(401, &json!({}))), ("token-2", json_of(200, &answer))] {
        let known = Mock::given(path("/v2/orders/4711")).and(header("authorization", format!("Bearer {token}")));
        known.respond_with(response).expect(1..).mount(&server).await;
    }
    let apis = apis(&system, &server.uri());
    for _ in 0..3 {
        assert_eq!(ask(&apis, "airalo", &order("4711")).await, Ok(Some(answer.clone())));
    }
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.len(), 2 + 1 + 3, "two tokens, one refusal, three answers");
    let agent = concat!("esim-events/", env!("CARGO_PKG_VERSION"));
    assert!(asked.iter().all(|request| request.headers["user-agent"] == agent));
    system.finish().await;
}

#[tokio::test]
async fn tokens_that_are_over_at_once_are_fetched_at_the_pace_that_is_allowed() {
    let (system, server) = (database().await, MockServer::start().await);
    issues(&server, 0, 2).await;
    answers(&server, json_of(200, &json!({ "data": {} })), 2).await;
    let apis = apis(&system, &server.uri());
    ask(&apis, "airalo", &order("1")).await.unwrap();
    ask(&apis, "airalo", &order("2")).await.unwrap();
    let (_, retry_after) = later(ask(&apis, "airalo", &order("3")).await);
    assert!(retry_after.is_some_and(|wait| wait > Duration::from_secs(20)), "{retry_after:?}");
    system.finish().await;
}

#[tokio::test]
async fn credentials_that_are_wrong_need_an_operator() {
    let (system, server) = (database().await, MockServer::start().await);
    answers(&server, json_of(422, &json!({ "code": 43, "reason": SECRET })), 1).await;
    let denied = ask(&apis(&system, &server.uri()), "airalo", &order("1")).await;
    assert!(matches!(denied, Err(ApiError::Denied { .. })), "{denied:?}");
    system.finish().await;
}

#[tokio::test]
async fn an_order_still_being_allocated_is_asked_for_again_soon() {
    let (system, server) = (database().await, MockServer::start().await);
    let allocating = json!({ "success": false, "errorCode": "200010", "errorMsg": "words", "obj": null });
    answers(&server, json_of(200, &allocating), 1).await;
    let (reason, retry_after) = later(ask(&apis(&system, &server.uri()), "esim_access", &order("B1")).await);
    assert!(reason.contains("200010") && retry_after <= Some(Duration::from_secs(30)), "{reason} {retry_after:?}");
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/esim/query");
    for name in ["rt-accesscode", "rt-requestid", "rt-timestamp", "rt-signature"] {
        assert!(request.headers.contains_key(name), "{name}");
    }
    assert!(tables::rows(&system.pool, "api_breakers").await.is_empty(), "it is well");
    system.finish().await;
}

#[tokio::test]
async fn too_many_requests_silence_every_worker_for_as_long_as_the_provider_says() {
    let (system, server) = (database().await, MockServer::start().await);
    let limited = json_of(429, &json!({ "message": "Too Many Attempts." })).insert_header("retry-after", "120");
    answers(&server, limited, 1).await;
    let (mine, theirs) = (apis(&system, &server.uri()), apis(&system, &server.uri()));
    let (_, retry_after) = later(ask(&mine, "yoni", &order("1")).await);
    assert_eq!(retry_after, Some(Duration::from_secs(120)));
    for others in [&mine, &theirs] {
        let (_, retry_after) = later(ask(others, "yoni", &order("1")).await);
        assert!(retry_after.is_some_and(|wait| wait > Duration::from_secs(100)), "{retry_after:?}");
    }
    system.finish().await;
}

#[tokio::test]
async fn what_the_api_does_not_know_is_no_error() {
    let (system, server) = (database().await, MockServer::start().await);
    let apis = apis(&system, &server.uri());
    let page = json!({ "code": 0, "data": { "records": [], "total": 0 }, "msg": "success" });
    let unknown = json!({ "success": true, "errorCode": "310272", "errorMsg": "words" });
    let missing = json!({ "statusCode": 404, "errorCode": "ORDER_NOT_FOUND", "message": "words" });
    for (place, response) in [
        ("/v1/order/e-sim/page", json_of(200, &page)),
        ("/esim/query", json_of(200, &unknown)),
        ("/api/v1/orders/1", json_of(404, &missing)),
    ] {
        Mock::given(path(place)).respond_with(response).expect(1).mount(&server).await;
    }
    for source in ["yoni", "esim_access", "simplifytrip"] {
        assert_eq!(ask(&apis, source, &order("1")).await, Ok(None), "{source}");
    }
    let payment = Lookup { about: EntityKey::Payment("1".to_owned()), kind: LookupKind::Payment, ..order("1") };
    let basic = Mock::given(path("/operations/1")).respond_with(json_of(404, &json!({ "code": 352_015 })));
    basic.expect(1).mount(&server).await;
    assert_eq!(ask(&apis, "airtm", &payment).await, Ok(None));
    system.finish().await;
}

#[tokio::test]
async fn an_error_in_a_200_is_an_error() {
    let (system, server) = (database().await, MockServer::start().await);
    issues(&server, 86_400, 1).await;
    answers(&server, json_of(200, &json!({ "code": 33, "reason": "words" })), 1).await;
    let refused = ask(&apis(&system, &server.uri()), "airalo", &order("1")).await;
    assert!(matches!(&refused, Err(ApiError::Refused { reason }) if reason.contains("33")), "{refused:?}");
    system.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_slow_is_not_waited_for() {
    let (system, server) = (database().await, MockServer::start().await);
    answers(&server, json_of(200, &json!({})).set_delay(Duration::from_secs(60)), 1).await;
    let (reason, _) = later(ask(&apis(&system, &server.uri()), "simplifytrip", &order("1")).await);
    assert!(reason.contains("in time"), "{reason}");
    system.finish().await;
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let system = database().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(connection.read(&mut request).await.unwrap() > 0);
        let half =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"data\":{\"id\":";
        connection.write_all(half).await.unwrap();
    });
    let (reason, _) = later(ask(&apis(&system, &format!("http://{address}")), "simplifytrip", &order("1")).await);
    serving.await.unwrap();
    assert!(reason.contains("broke off"), "{reason}");
    assert_eq!(tables::rows(&system.pool, "api_breakers").await.len(), 1);
    system.finish().await;
}

#[tokio::test]
async fn an_api_that_fails_is_left_alone_by_everybody_and_then_probed_by_one() {
    let (system, server) = (database().await, MockServer::start().await);
    let (mine, theirs) = (apis(&system, &server.uri()), apis(&system, &server.uri()));
    {
        let failing = Mock::given(path("/esim/query")).respond_with(ResponseTemplate::new(502)).expect(5);
        let _failing = failing.mount_as_scoped(&server).await;
        for _ in 0..5 {
            later(ask(&mine, "esim_access", &order("B1")).await);
        }
        for apis in [&mine, &theirs] {
            let (_, retry_after) = later(ask(apis, "esim_access", &order("B1")).await);
            assert!(retry_after.is_some_and(|wait| wait <= Duration::from_secs(10)), "{retry_after:?}");
        }
    }
    sqlx::query("UPDATE api_breakers SET open_until = clock_timestamp()").execute(&system.pool).await.unwrap();
    let found = json!({ "success": true, "errorCode": "0", "obj": { "esimList": [{ "iccid": "8910" }] } });
    Mock::given(path("/esim/query"))
        .respond_with(json_of(200, &found).set_delay(Duration::from_millis(200)))
        .expect(2)
        .mount(&server)
        .await;
    let about = order("B1");
    let (one, other) = tokio::join!(ask(&mine, "esim_access", &about), ask(&theirs, "esim_access", &about));
    let answered = [&one, &other].iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(answered, 1, "{one:?} {other:?}");
    assert!(tables::rows(&system.pool, "api_breakers").await.is_empty(), "it is well again");
    assert_eq!(ask(&theirs, "esim_access", &about).await, Ok(Some(found)));
    system.finish().await;
}
