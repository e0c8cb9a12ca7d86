//! Premises under fire: what waits behind a dead mail server and is no longer true is never sent.

use std::collections::BTreeSet;

use harness::eventually::holds;
use harness::system::{esim_access, seconds_from_now};
use harness::{Setup, System, eventually};
use samples::Source;
use serde_json::json;
use shared::envelope::Envelope;
use shared::fact::EntityKey;

use crate::mail::{SOON, contact, kinds, mail_deliveries, settled_mails};
use crate::verify::answered;

const ICCID: &str = "8943108170001029631";
const ORDER: &str = "B1";

/// How the mail server is dead.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// Nobody listens.
    Stopped,
    /// It takes connections and says nothing.
    Hanging,
}

/// A system whose mail server is dead, and a customer whose eSIM it is.
async fn with_dead_server(death: Death) -> System {
    let setup = Setup::default().mail().schedule(SOON).worker(|settings| {
        if let Some(email) = &mut settings.email {
            email.smtp.timeout = std::time::Duration::from_millis(300);
        }
    });
    let system = setup.start().await;
    system.register(Source::EsimAccess, ORDER, &contact("ana@example.com", "en")).await;
    match death {
        Death::Stopped => system.mailbox().container.stop().await,
        Death::Hanging => system.mailbox().container.pause().await,
    }
    system
}

async fn revive(system: &System, death: Death) {
    match death {
        Death::Stopped => system.mailbox().start_again().await,
        Death::Hanging => system.mailbox().container.unpause().await,
    }
}

fn usage(used: u64, total: u64, at: i64) -> Vec<u8> {
    let content = json!({
        "iccid": ICCID, "totalVolume": total, "orderUsage": used, "lastUpdateTime": seconds_from_now(at),
    });
    esim_access("DATA_USAGE", ORDER, &seconds_from_now(at), content)
}

fn expiry(seconds: i64, at: i64) -> Vec<u8> {
    let content = json!({
        "iccid": ICCID, "durationUnit": "DAY", "totalDuration": 30, "remain": 1, "expiredTime": seconds_from_now(seconds),
    });
    esim_access("VALIDITY_USAGE", ORDER, &seconds_from_now(at), content)
}

/// Waits until a mail of that kind was tried in vain.
async fn tried(system: &System, kind: &str) {
    eventually("the mail was tried", async || {
        let tried: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM attempts INNER JOIN actions ON actions.id = action_id
             WHERE channel = 'email' AND result = 'failed' AND kind = $1",
        )
        .bind(kind)
        .fetch_one(&system.pool)
        .await
        .map_err(|error| error.to_string())?;
        holds(tried > 0, || "not yet".to_owned())
    })
    .await;
}

/// Waits until a mail of that kind is superseded; the reason.
async fn superseded(system: &System, kind: &str) -> String {
    eventually("the mail is superseded", async || {
        let deliveries = mail_deliveries(&system.pool).await;
        let over = deliveries.iter().find(|(known, status, _)| known == kind && status == "superseded");
        over.and_then(|(_, _, reason)| reason.clone()).ok_or_else(|| format!("{deliveries:?}"))
    })
    .await
}

/// The kinds of what arrived in the end, once the server is back. A server that comes back may take a mail whose sender
/// has just given up on it: the repetition has the same `Message-ID`, and tells nothing twice.
async fn told_in_the_end(system: &System, death: Death) -> Vec<String> {
    revive(system, death).await;
    let mut mails = settled_mails(system).await;
    let mut told = BTreeSet::new();
    mails.retain(|mail| told.insert(mail.message_id.clone()));
    kinds(system, &mails).await
}

#[tokio::test]
async fn a_warning_is_not_sent_after_a_top_up() {
    for death in [Death::Stopped, Death::Hanging] {
        let system = with_dead_server(death).await;
        system.accept(Source::EsimAccess, usage(800, 1_000, -60)).await;
        tried(&system, "low_data").await;
        system.accept(Source::EsimAccess, usage(800, 3_000, -30)).await;
        assert_eq!(superseded(&system, "low_data").await, "the allowance has changed");
        // The new allowance has a warning of its own, which shows that the server is back.
        system.accept(Source::EsimAccess, usage(2_500, 3_000, -20)).await;
        assert_eq!(told_in_the_end(&system, death).await, ["low_data"], "{death:?}");
        let mails = system.mailbox().mails().await;
        let total: i64 = sqlx::query_scalar("SELECT (payload ->> 'total_bytes')::bigint FROM actions WHERE id = $1")
            .bind(mails[0].action_id())
            .fetch_one(&system.pool)
            .await
            .unwrap();
        assert_eq!(total, 3_000, "it is about the new allowance");
        system.finish().await;
    }
}

#[tokio::test]
async fn a_warning_is_not_sent_after_used_up() {
    let system = with_dead_server(Death::Hanging).await;
    system.accept(Source::EsimAccess, usage(800, 1_000, -60)).await;
    tried(&system, "low_data").await;
    let used_up = json!({ "iccid": ICCID, "esimStatus": "USED_UP" });
    system.accept(Source::EsimAccess, esim_access("ESIM_STATUS", ORDER, &seconds_from_now(-30), used_up)).await;
    assert_eq!(superseded(&system, "low_data").await, "the data is used up");
    assert_eq!(told_in_the_end(&system, Death::Hanging).await, ["data_depleted"]);
    system.finish().await;
}

#[tokio::test]
async fn an_expiry_that_was_extended_is_not_announced() {
    let system = with_dead_server(Death::Stopped).await;
    system.accept(Source::EsimAccess, expiry(12 * 3600, -60)).await;
    tried(&system, "expiring_soon").await;
    // Extended by a month; the next notice is far away.
    let extended = json!({
        "iccid": ICCID, "durationUnit": "DAY", "totalDuration": 60, "remain": 30,
        "expiredTime": seconds_from_now(30 * 24 * 3600),
    });
    system.accept(Source::EsimAccess, esim_access("VALIDITY_USAGE", ORDER, &seconds_from_now(-30), extended)).await;
    assert_eq!(superseded(&system, "expiring_soon").await, "the expiry has changed");
    system.accept(Source::EsimAccess, usage(800, 1_000, -20)).await;
    assert_eq!(told_in_the_end(&system, Death::Stopped).await, ["low_data"], "and what still holds is sent");
    system.finish().await;
}

#[tokio::test]
async fn of_two_warnings_that_wait_only_the_higher_goes_out() {
    let system = with_dead_server(Death::Stopped).await;
    system.accept(Source::EsimAccess, usage(550, 1_000, -60)).await;
    tried(&system, "low_data").await;
    system.accept(Source::EsimAccess, usage(930, 1_000, -30)).await;
    assert_eq!(superseded(&system, "low_data").await, "90 % used has been told instead");
    assert_eq!(told_in_the_end(&system, Death::Stopped).await, ["low_data"]);
    let mails = system.mailbox().mails().await;
    assert!(mails[0].text.contains("90"), "{}", mails[0].text);
    system.finish().await;
}

/// Its webhooks have no activation code; its API does.
fn with_code() -> Envelope {
    let esim = json!({
        "orderNo": ORDER, "iccid": ICCID, "esimTranNo": "T1", "ac": "LPA:1$rsp.demo$CODE", "esimStatus": "GOT_RESOURCE",
        "smdpStatus": "RELEASED",
    });
    let found = json!({ "success": true, "errorCode": "0", "obj": { "esimList": [esim] } });
    answered(Source::EsimAccess, EntityKey::Order(ORDER.to_owned()), -1, Some(found))
}

#[tokio::test]
async fn a_cancelled_esims_install_mail_never_leaves() {
    let system = with_dead_server(Death::Hanging).await;
    system.publish(&with_code()).await;
    tried(&system, "esim_ready").await;
    let cancelled = json!({ "iccid": ICCID, "esimStatus": "CANCEL" });
    system.accept(Source::EsimAccess, esim_access("ESIM_STATUS", ORDER, &seconds_from_now(-30), cancelled)).await;
    assert_eq!(superseded(&system, "esim_ready").await, "the plan is cancelled");
    assert_eq!(told_in_the_end(&system, Death::Hanging).await, ["esim_cancelled"]);
    system.finish().await;
}
