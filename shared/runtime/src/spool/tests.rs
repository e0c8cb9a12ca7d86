use std::collections::BTreeMap;

use chrono::DateTime;
use shared::envelope::{Mode, Origin};
use shared::origin::Provider;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

const ROOM: u64 = 1024 * 1024;

struct Running {
    spool: Spool,
    stop: CancellationToken,
    writer: JoinHandle<Result<(), sqlx::Error>>,
}

impl Running {
    async fn open(directory: &TempDir, max_bytes: u64) -> Self {
        let (spool, writer) = Spool::open(directory.path(), max_bytes).await.unwrap();
        let stop = CancellationToken::new();
        let writer = tokio::spawn(writer.run(stop.clone()));
        Self { spool, stop, writer }
    }

    async fn close(self) {
        self.stop.cancel();
        self.writer.await.unwrap().unwrap();
    }

    /// As when the process is killed: nothing is closed.
    async fn kill(self) {
        self.writer.abort();
        assert!(self.writer.await.unwrap_err().is_cancelled());
    }
}

fn webhook(number: u128) -> Envelope {
    Envelope {
        id: Uuid::from_u128(number),
        source: "airalo".to_owned(),
        provider: Provider::Airalo,
        mode: Mode::Test,
        origin: Origin::Webhook,
        received_at: DateTime::from_timestamp_micros(1_767_225_600_000_000 + i64::try_from(number).unwrap()).unwrap(),
        content_type: None,
        traceparent: None,
        headers: BTreeMap::from([("airalo-signature".to_owned(), "ab".to_owned())]),
        body: format!("body {number}\u{0}").into_bytes(),
    }
}

async fn contents(spool: &Spool) -> Vec<Envelope> {
    spool.oldest(0, 1_000).await.unwrap().into_iter().map(|spooled| spooled.envelope.unwrap()).collect()
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_and_after_a_kill() {
    let directory = TempDir::new().unwrap();
    let first = Running::open(&directory, ROOM).await;
    first.spool.keep(&webhook(1)).await.unwrap();
    first.close().await;
    let second = Running::open(&directory, ROOM).await;
    second.spool.keep(&webhook(2)).await.unwrap();
    second.kill().await;
    let third = Running::open(&directory, ROOM).await;
    assert_eq!(contents(&third.spool).await, [webhook(1), webhook(2)]);
    assert_eq!(third.spool.stats().events(), 2);
    assert_eq!(third.spool.stats().oldest_at(), Some(webhook(1).received_at.into()));
    third.close().await;
}

#[tokio::test]
async fn many_at_once_are_all_kept_and_deleted_ones_are_gone() {
    let directory = TempDir::new().unwrap();
    let running = Running::open(&directory, ROOM).await;
    let keeping = (1..=600).map(|number| {
        let spool = running.spool.clone();
        tokio::spawn(async move { spool.keep(&webhook(number)).await })
    });
    for kept in keeping.collect::<Vec<_>>() {
        kept.await.unwrap().unwrap();
    }
    let all = running.spool.oldest(0, 1_000).await.unwrap();
    assert_eq!(all.len(), 600);
    let numbers: Vec<_> = all.iter().map(|spooled| spooled.number).collect();
    running.spool.delete(numbers[..599].to_vec()).await.unwrap();
    // Twice is once.
    running.spool.delete(numbers[..599].to_vec()).await.unwrap();
    assert_eq!(running.spool.stats().events(), 1);
    assert_eq!(contents(&running.spool).await.len(), 1);
    running.spool.delete(numbers).await.unwrap();
    let stats = running.spool.stats();
    assert_eq!((stats.events(), stats.bytes(), stats.oldest_at()), (0, 0, None));
    running.close().await;
}

#[tokio::test]
async fn a_full_spool_refuses_until_there_is_room() {
    let directory = TempDir::new().unwrap();
    let size = Entry::of(&webhook(1)).unwrap().bytes;
    let running = Running::open(&directory, 2 * size).await;
    running.spool.keep(&webhook(1)).await.unwrap();
    running.spool.keep(&webhook(2)).await.unwrap();
    assert_eq!(running.spool.keep(&webhook(3)).await, Err(NotSpooled::Full));
    assert_eq!(running.spool.check(), Err(NotSpooled::Full));
    let oldest = running.spool.oldest(0, 1).await.unwrap();
    running.spool.delete(vec![oldest[0].number]).await.unwrap();
    running.spool.keep(&webhook(3)).await.unwrap();
    assert_eq!(contents(&running.spool).await, [webhook(2), webhook(3)]);
    running.close().await;
}

#[tokio::test]
async fn the_bound_counts_what_an_earlier_process_left() {
    let directory = TempDir::new().unwrap();
    let size = Entry::of(&webhook(1)).unwrap().bytes;
    let first = Running::open(&directory, size).await;
    first.spool.keep(&webhook(1)).await.unwrap();
    first.close().await;
    let second = Running::open(&directory, size).await;
    assert_eq!(second.spool.keep(&webhook(2)).await, Err(NotSpooled::Full));
    second.close().await;
}

#[tokio::test]
async fn two_processes_can_not_share_a_spool() {
    let directory = TempDir::new().unwrap();
    let first = Running::open(&directory, ROOM).await;
    let failed = Spool::open(directory.path(), ROOM).await.map(drop).unwrap_err();
    assert!(matches!(failed, OpenFailed::InUse { .. }), "{failed}");
    first.close().await;
    Running::open(&directory, ROOM).await.close().await;
}

#[tokio::test]
async fn a_damaged_file_is_told_and_not_touched() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("spool.db");
    let garbage = b"this is not a database, and long enough to be read as the head of one, which has 100 bytes or more";
    std::fs::write(&path, garbage).unwrap();
    let failed = Spool::open(directory.path(), ROOM).await.map(drop).unwrap_err();
    assert!(matches!(failed, OpenFailed::Damaged { .. }), "{failed}");
    assert!(failed.to_string().contains("spool.db"));
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
}

#[tokio::test]
async fn after_it_is_closed_nothing_is_promised() {
    let directory = TempDir::new().unwrap();
    let running = Running::open(&directory, ROOM).await;
    let spool = running.spool.clone();
    running.close().await;
    assert_eq!(spool.keep(&webhook(1)).await, Err(NotSpooled::Closed));
}
