//! The mail server's side: it refuses, asks to come later, hangs, wants to be sure who we are, and must be who it says.

use std::time::Duration;

use harness::eventually::holds;
use harness::mailbox::{PASSWORD, Security, percent_encoded};
use harness::{Setup, System, eventually};
use secrecy::ExposeSecret as _;

use crate::mail::{SOON, accept_order, contact, mail_deliveries, settled_mails};

fn ana() -> serde_json::Value {
    contact("ana@example.com", "en")
}

/// Waits until a mail was tried so often in vain and is still promised; the last reason.
async fn tried_in_vain(system: &System, times: i32) -> String {
    eventually("the mail was tried", async || {
        let waiting: Option<(i32, Option<String>)> = sqlx::query_as(
            "SELECT attempts, last_error FROM deliveries WHERE channel = 'email' AND status = 'pending'",
        )
        .fetch_optional(&system.pool)
        .await
        .map_err(|error| error.to_string())?;
        match waiting {
            Some((attempts, Some(reason))) if attempts >= times => Ok(reason),
            waiting => Err(format!("{waiting:?}")),
        }
    })
    .await
}

/// What the only mail came to: its status and why.
async fn end(system: &System) -> (String, Option<String>) {
    let deliveries = mail_deliveries(&system.pool).await;
    let [(_, status, reason)] = deliveries.as_slice() else { panic!("{deliveries:?}") };
    (status.clone(), reason.clone())
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_has_failed_and_says_why() {
    let system = Setup::default().mail().schedule(SOON).start().await;
    system.mailbox().refuses(Some(550)).await;
    accept_order(&system, "1", &ana()).await;
    system.settled().await;
    let expected = "the mail server refused the mail for good (550)".to_owned();
    assert_eq!(end(&system).await, ("failed".to_owned(), Some(expected)));
    let attempts: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT result, error FROM attempts WHERE channel = 'email'")
            .fetch_all(&system.pool)
            .await
            .unwrap();
    assert_eq!(attempts.len(), 1, "once is enough: {attempts:?}");
    assert!(!format!("{attempts:?}").contains("ana@"), "{attempts:?}");
    system.mailbox().refuses(None).await;
    assert!(system.mailbox().mails().await.is_empty());
    system.finish().await;
}

#[tokio::test]
async fn a_mail_that_is_greylisted_arrives_later_and_once() {
    let system = Setup::default().mail().schedule(SOON).start().await;
    system.mailbox().refuses(Some(451)).await;
    accept_order(&system, "1", &ana()).await;
    assert_eq!(tried_in_vain(&system, 3).await, "the mail server refused the mail for now (451)");
    system.mailbox().refuses(None).await;
    assert_eq!(settled_mails(&system).await.len(), 1);
    assert_eq!(end(&system).await, ("sent".to_owned(), None));
    system.finish().await;
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up_for_long() {
    let setup = Setup::default().mail().schedule(SOON).worker(|settings| {
        if let Some(email) = &mut settings.email {
            email.smtp.timeout = Duration::from_millis(300);
        }
    });
    let system = setup.start().await;
    system.mailbox().container.pause().await;
    accept_order(&system, "1", &ana()).await;
    assert_eq!(tried_in_vain(&system, 2).await, "the mail server did not answer in time");
    system.mailbox().container.unpause().await;
    assert_eq!(settled_mails(&system).await.len(), 1);
    system.finish().await;
}

#[tokio::test]
async fn mail_goes_over_tls_with_a_name_and_a_password() {
    for security in [Security::StartTls, Security::Tls] {
        let system = Setup::default().mail_over(security).start().await;
        accept_order(&system, "1", &ana()).await;
        let mails = settled_mails(&system).await;
        assert_eq!(mails.len(), 1, "{security:?}: {:?}", mail_deliveries(&system.pool).await);
        system.finish().await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_without_it() {
    for security in [Security::StartTls, Security::Tls] {
        let wrong = "a-password-of-yesterday";
        let setup = Setup::default().mail_over(security).schedule(&[10, 10]).worker(move |settings| {
            if let Some(email) = &mut settings.email {
                let right = percent_encoded(PASSWORD);
                email.smtp.url = email.smtp.url.expose_secret().replace(&right, wrong).into();
            }
        });
        let system = setup.start().await;
        accept_order(&system, "1", &ana()).await;
        system.settled().await;
        let (status, reason) = end(&system).await;
        let reason = reason.unwrap();
        assert_eq!(status, "failed");
        assert!(reason.contains("(535)") && reason.contains("SMTP_URL"), "{reason}");
        assert!(!reason.contains(wrong), "{reason}");
        assert!(system.mailbox().mails().await.is_empty());
        system.finish().await;
    }
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_gets_nothing() {
    for security in [Security::StartTls, Security::Tls] {
        let setup = Setup::default().mail_over(security).schedule(SOON).worker(|settings| {
            if let Some(email) = &mut settings.email {
                email.smtp.authority = None;
            }
        });
        let mut system = setup.start().await;
        accept_order(&system, "1", &ana()).await;
        let reason = tried_in_vain(&system, 2).await;
        assert!(reason.contains("certificate") && reason.contains("SMTP_CA_FILE"), "{reason}");
        assert!(system.mailbox().mails().await.is_empty());
        // With the authority in the file it goes out.
        let worker = system.worker_process(system.host.amqp_port()).await;
        eventually("the mail is sent", async || {
            let (status, reason) = end(&system).await;
            holds(status == "sent", || format!("{status}: {reason:?}"))
        })
        .await;
        assert_eq!(system.mailbox().mails().await.len(), 1);
        assert!(worker.terminate().await.success());
        system.finish().await;
    }
}
