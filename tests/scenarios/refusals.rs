//! Refusals: who is not the provider learns nothing, and every sender is told what makes it do the right thing.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::Utc;
use harness::posting::Answer;
use harness::sources::{OLD_SECRET, TOKEN};
use harness::{Setup, System, tables};
use reqwest::Method;
use samples::{Credential, Source, named, renewed};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ALLOWED: &str = "203.0.113.7";
const BY_ADDRESS: &str = "[[source]]\nname = \"by-address\"\nprovider = \"yoni\"\nallow_ips = [\"203.0.113.7/32\"]\n";

fn warning() -> Vec<u8> {
    renewed(named("airalo/low_data_75_percent").unwrap(), "1", Utc::now())
}

#[track_caller]
fn check(case: &str, answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{case}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{case}");
    assert_eq!(answer.body["status"], status, "{case}");
    assert!(answer.body["title"].is_string() && answer.body["type"].is_string(), "{case}: {}", answer.body);
}

async fn finish_without_events(system: System) {
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 0);
    system.finish().await;
}

#[tokio::test]
async fn who_proves_nothing_is_refused() {
    let system = System::start().await;
    let wrong = Credential::SigningSecret("wrong".to_owned());
    let airalo = || system.post(Source::Airalo, warning());
    check("missing", &airalo().send().await, 401);
    check("wrong", &airalo().signed_with(&wrong).send().await, 401);
    check("no hex", &airalo().header("airalo-signature", "xyz").send().await, 401);
    check("empty", &airalo().header("airalo-signature", "").send().await, 401);
    let other = system.post(Source::Airalo, "{}").signed_with(&wrong).send().await;
    let known = system.post_to("/webhooks/yoni/wrong", "{}").send().await;
    let unknown = system.post_to("/webhooks/nobody", "{}").send().await;
    check("another body", &other, 401);
    check("a wrong token", &known, 404);
    check("no token", &system.post(Source::Yoni, "{}").send().await, 404);
    check("a token too many", &system.post_to(&format!("/webhooks/airalo/{TOKEN}"), "{}").send().await, 404);
    check("an unknown source", &unknown, 404);
    assert_eq!(known.body, unknown.body, "nobody can tell which sources there are");
    let refused = system.ingest_metric("ingest_webhooks_rejected_total", &["airalo", "signature_missing"]).await;
    assert!(refused >= 1.0, "{refused} counted");
    finish_without_events(system).await;
}

#[tokio::test]
async fn what_is_asked_with_get_or_head_is_answered_with_nothing() {
    let system = System::start().await;
    let address = system.ingest.as_ref().unwrap().address;
    for method in [Method::GET, Method::HEAD] {
        for path in ["/webhooks/airalo".to_owned(), format!("/webhooks/esim-access/{TOKEN}")] {
            let answer = system.client.request(method.clone(), format!("http://{address}{path}")).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{method} {path}");
            assert!(answer.bytes().await.unwrap().is_empty(), "{method} {path}");
        }
    }
    finish_without_events(system).await;
}

#[tokio::test]
async fn each_of_two_secrets_is_accepted_during_a_rotation() {
    let system = System::start().await;
    let old = Credential::SigningSecret(OLD_SECRET.to_owned());
    let body = warning();
    let answer = system.post(Source::Airalo, body.clone()).signed_with(&old).send().await;
    assert_eq!(answer.status, 200);
    system.remember(answer.id(), Source::Airalo, &body);
    system.accept(Source::Airalo, renewed(named("airalo/credit_limit").unwrap(), "2", Utc::now())).await;
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 2);
    system.finish().await;
}

#[tokio::test]
async fn what_is_only_observed_is_accepted_and_counted() {
    let observed = "[[source]]\nname = \"observed\"\nprovider = \"simplifytrip\"\nverify = \"observe\"\n\
         signing_secrets = [{ env = \"OLD_SECRET\" }]\n";
    let system = Setup::default().sources(observed).start().await;
    let body = renewed(named("simplifytrip/esim_order_success_live").unwrap(), "1", Utc::now());
    let answer = system.post_to("/webhooks/observed", body).header("x-simplify-trip-signature", "ab12").send().await;
    assert_eq!(answer.status, 200);
    let counted = system.ingest_metric("ingest_signatures_observed_total", &["observed", "signature_mismatch"]).await;
    assert!(counted >= 1.0, "{counted} counted");
    harness::eventually("it is applied", async || {
        let actions = system.actions().await;
        harness::eventually::holds(actions == ["esim_ready"], || format!("{actions:?}"))
    })
    .await;
    let events = tables::rows(&system.pool, "events").await;
    assert_eq!(events[0]["headers"], json!({}), "a wrong signature is not kept as if it were a right one");
    system.finish().await;
}

#[tokio::test]
async fn an_address_is_believed_only_from_our_own_proxy() {
    let trusting = Setup::default().sources(BY_ADDRESS).ingest(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let system = trusting.start().await;
    let post = || system.post_to("/webhooks/by-address", "hello");
    check("the proxy itself", &post().send().await, 403);
    check("a stranger", &post().header("x-forwarded-for", "198.51.100.1").send().await, 403);
    let claim = format!("{ALLOWED}, 198.51.100.1");
    check("a stranger's claim", &post().header("x-forwarded-for", &claim).send().await, 403);
    let answer = post().header("x-forwarded-for", &format!("198.51.100.1, {ALLOWED}")).send().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    system.remember(answer.id(), Source::Yoni, b"hello");
    system.finish_with_dead_letters(&["unparseable"]).await;

    let system = Setup::default().sources(BY_ADDRESS).start().await;
    let answer = system.post_to("/webhooks/by-address", "hello").header("x-forwarded-for", ALLOWED).send().await;
    check("from no proxy of ours", &answer, 403);
    finish_without_events(system).await;
}

#[tokio::test]
async fn a_body_too_large_or_too_slow_is_refused() {
    let system = Setup::default().ingest(|settings| settings.body_timeout = Duration::from_millis(300)).start().await;
    check("too large", &system.post(Source::Airalo, vec![b' '; 256 * 1024 + 1]).signed().send().await, 413);
    let body = vec![b' '; 256 * 1024];
    let id = system.accept(Source::Airalo, body).await;
    let mut slow = TcpStream::connect(system.ingest.as_ref().unwrap().address).await.unwrap();
    let head = "POST /webhooks/airalo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("application/problem+json"), "{answer}");
    system.applied().await;
    assert!(!id.is_nil());
    system.finish_with_dead_letters(&["unparseable"]).await;
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_to_come_back() {
    let limited = "[[source]]\nname = \"limited\"\nprovider = \"yoni\"\ninsecure = true\nrate_limit = 2\n";
    let system = Setup::default().sources(limited).start().await;
    let post = || system.post_to("/webhooks/limited", json!({ "orderNo": "1", "result": "COMPLETED" }).to_string());
    let mut refused = Vec::new();
    for _ in 0..20 {
        let answer = post().send().await;
        if answer.status != 200 {
            refused.push(answer);
        }
    }
    assert!(refused.len() > 5, "{} of 20 were refused", refused.len());
    for answer in &refused {
        check("too fast", answer, 429);
        let seconds: NonZeroU32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(seconds.get() <= 2, "{seconds} s");
    }
    let other = system.post(Source::Yoni, "hello").signed().send().await;
    assert_eq!(other.status, 200, "another source has a rate of its own");
    system.remember(other.id(), Source::Yoni, b"hello");
    system.finish_with_dead_letters(&["unparseable"]).await;
}
