//! Customer care: who an order belongs to, what our own clock notices, and the answer to "why".

use std::time::Duration;

use harness::eventually::holds;
use harness::setup::API_TOKEN;
use harness::system::{esim_access, seconds_from_now};
use harness::{Setup, System, eventually, sources, tables};
use reqwest::{Method, StatusCode};
use samples::Source;
use serde_json::{Value, json};
use worker::settings::Roles;
use worker::sources::Sources;

pub(crate) async fn ask(system: &System, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let url = format!("http://{}{path}", system.workers[0].address);
    let mut request = system.client.request(method, url).bearer_auth(API_TOKEN);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default())
}

const CONTACT: &str = "/v1/orders/yoni/Y1/contact";

fn contact(email: &str) -> Value {
    json!({
        "email": email, "name": "Ana", "locale": "es-MX", "time_zone": "America/Mexico_City", "reference": "A-17",
    })
}

#[tokio::test]
async fn a_contact_is_put_found_and_forgotten() {
    let system = System::start().await;
    assert_eq!(ask(&system, Method::GET, CONTACT, None).await.0, StatusCode::NOT_FOUND);
    let put = ask(&system, Method::PUT, CONTACT, Some(contact("ana@example.com"))).await;
    assert_eq!(put, (StatusCode::CREATED, contact("ana@example.com")));
    let again = ask(&system, Method::PUT, CONTACT, Some(contact("ana@example.com"))).await;
    assert_eq!(again.0, StatusCode::OK, "the same again is no other");
    assert_eq!(ask(&system, Method::GET, CONTACT, None).await, (StatusCode::OK, contact("ana@example.com")));
    for _ in 0..2 {
        assert_eq!(ask(&system, Method::DELETE, CONTACT, None).await.0, StatusCode::NO_CONTENT);
    }
    assert!(tables::rows(&system.pool, "contacts").await.is_empty());
    system.finish().await;
}

#[tokio::test]
async fn an_order_is_registered_shown_and_forgotten() {
    const ORDER: &str = "/v1/orders/airalo/R1";
    let system = System::start().await;
    assert_eq!(ask(&system, Method::GET, ORDER, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&system, Method::PUT, ORDER, None).await.0, StatusCode::CREATED, "without saying more");
    let described = json!({ "description": "shop order A-17" });
    for _ in 0..2 {
        let (status, order) = ask(&system, Method::PUT, ORDER, Some(described.clone())).await;
        assert_eq!((status, &order["description"]), (StatusCode::OK, &described["description"]));
    }
    let (status, order) = ask(&system, Method::GET, ORDER, None).await;
    assert_eq!((status, &order["status"]), (StatusCode::OK, &json!("pending")));
    for wrong in [json!({ "description": 17 }), json!({ "description": "two\nlines" }), json!([])] {
        let (status, _) = ask(&system, Method::PUT, ORDER, Some(wrong.clone())).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for _ in 0..2 {
        assert_eq!(ask(&system, Method::DELETE, ORDER, None).await.0, StatusCode::NO_CONTENT);
    }
    assert!(tables::rows(&system.pool, "registrations").await.is_empty());
    system.finish().await;
}

#[tokio::test]
async fn who_may_not_or_says_nonsense_is_told_so() {
    let system = System::start().await;
    let url = format!("http://{}{CONTACT}", system.workers[0].address);
    for token in ["", "Bearer wrong", "Basic YTpi"] {
        let answer = system.client.get(&url).header("authorization", token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{token}");
    }
    for (name, wrong) in [("email", json!("nobody")), ("time_zone", json!("Mars/Olympus")), ("nickname", json!("A"))] {
        let mut body = contact("ana@example.com");
        body[name] = wrong;
        let (status, problem) = ask(&system, Method::PUT, CONTACT, Some(body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(problem["status"], 422);
        assert!(!problem.to_string().contains("nobody"), "an answer quotes nothing: {problem}");
    }
    assert!(tables::rows(&system.pool, "contacts").await.is_empty());
    system.finish().await;
}

/// Two workers whose clocks look often.
fn with_clocks() -> Setup {
    Setup::default().workers(2).worker(|settings| {
        settings.roles = Roles::ALL;
        settings.limits.clock_interval = Duration::from_millis(100);
        settings.routing.silent_after = Duration::from_millis(300);
        settings.sources = Sources::parse(&sources::file(), |_| None).unwrap();
    })
}

fn expiry(order: &str, seconds: i64, days: Option<u32>) -> Vec<u8> {
    let mut content = json!({
        "iccid": "8943108170001029631", "durationUnit": "DAY", "totalDuration": 30,
        "expiredTime": seconds_from_now(seconds),
    });
    if let Some(days) = days {
        content["remain"] = json!(days);
    }
    esim_access("VALIDITY_USAGE", order, &seconds_from_now(-60), content)
}

async fn told(system: &System, expected: &[&str]) {
    eventually("the clock has noticed", async || {
        let actions = system.actions().await;
        holds(actions == expected, || format!("{actions:?}, expected {expected:?}"))
    })
    .await;
}

#[tokio::test]
async fn an_end_that_nobody_announced_is_noticed_once_by_any_number_of_clocks() {
    let system = with_clocks().start().await;
    system.accept(Source::EsimAccess, expiry("B-soon", 12 * 3600, None)).await;
    told(&system, &["expiring_soon"]).await;
    system.accept(Source::EsimAccess, expiry("B-past", -5, None)).await;
    told(&system, &["esim_expired", "expiring_soon"]).await;
    let row = system.esim(Source::EsimAccess, "B-past/8943108170001029631").await;
    assert_eq!(row["plan_status"], "expired");
    system.finish().await;
}

#[tokio::test]
async fn what_the_provider_announced_is_not_announced_again() {
    let system = with_clocks().start().await;
    system.accept(Source::EsimAccess, expiry("B-said", 12 * 3600, Some(1))).await;
    // The clock looks at all that ends: once it has noticed this one, it has looked at the other.
    system.accept(Source::EsimAccess, expiry("C-unsaid", 12 * 3600, None)).await;
    told(&system, &["expiring_soon", "expiring_soon"]).await;
    let clock = "SELECT count(*) FROM events WHERE origin = 'clock'";
    let noticed: i64 = sqlx::query_scalar(clock).fetch_one(&system.pool).await.unwrap();
    assert_eq!(noticed, 1, "only the one that the provider kept to itself");
    system.finish().await;
}

#[tokio::test]
async fn an_order_that_the_provider_never_mentions_is_the_operators_business() {
    let system = with_clocks().start().await;
    ask(&system, Method::PUT, CONTACT, Some(contact("ana@example.com"))).await;
    told(&system, &["provider_silent"]).await;
    system.finish().await;
}

#[tokio::test]
async fn why_tells_what_changed_what_was_promised_and_how_it_was_kept() {
    let system = System::start().await;
    let code = "LPA:1$rsp.demo$HIDDEN-CODE";
    let body = json!({ "orderNo": "Y1", "iccid": "8910010000", "lpa": code, "result": "COMPLETED" });
    let id = system.accept(Source::Yoni, body.to_string()).await;
    system.settled().await;
    for reference in ["Y1", "8910010000"] {
        let (status, story) = ask(&system, Method::GET, &format!("/v1/why/{reference}"), None).await;
        assert_eq!(status, StatusCode::OK);
        let event = &story["events"][0];
        assert_eq!(event["event_id"], id.to_string());
        let changes = event["changes"].to_string();
        assert!(changes.contains("eSIM 8910010000: plan_status: – → allocated"), "{changes}");
        assert!(!story.to_string().contains("HIDDEN-CODE"), "{story}");
        let action = &event["actions"][0];
        assert_eq!(action["kind"], "esim_ready");
        assert_eq!(action["deliveries"][0]["channel"], "log");
        assert_eq!(action["deliveries"][0]["attempts"][0]["result"], "sent");
    }
    let mut printed = Vec::new();
    worker::why::print(&worker::why::find(&system.pool, "Y1").await.unwrap(), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("promised esim_ready to the customer"), "{printed}");
    assert_eq!(ask(&system, Method::GET, "/v1/why/unheard-of", None).await.0, StatusCode::NOT_FOUND);
    system.finish().await;
}
