//! One process after the other on the same files: each runs the worker's own parts until its fuse blows, and the last one
//! until everything is done. Then what is there is compared with what went in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use prometheus_client::registry::Registry;
use providers::decode;
use runtime::settings::{Given, SettingsGroup as _};
use runtime::spool::Spool;
use serde_json::Value;
use shared::envelope::Envelope;
use shared::rules::Rules;
use store::Store;
use store::catalogue::TABLES;
use store::sqlite::{self, SqliteStore};
use store::transfer::Row;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use worker::context::{Context, Health};
use worker::metrics::Metrics;
use worker::provider_api::Apis;
use worker::routing::Routing;
use worker::settings::Limits;
use worker::sources::Sources;
use worker::verify::{VerifyArgs, verify};
use worker::{consume, relay};

use crate::fuse::Fuse;
use crate::lives::Arrivals;
use crate::parts::{FusedQueue, FusedStore};
use crate::shop::Shop;

const QUEUE_BYTES: u64 = 1 << 20;
const DONE_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What all schedules of a thread share.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    shop: Shop,
    /// With the tables, and empty.
    template: Arc<TempDir>,
}

/// One schedule's files.
struct Files(TempDir);

impl Files {
    fn database(&self) -> PathBuf {
        self.0.path().join("database")
    }

    fn queue(&self) -> PathBuf {
        self.0.path().join("queue")
    }
}

/// In memory where the system has such a place: it is the process that dies here, not the machine.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

impl Bench {
    pub(crate) async fn new(shop: Shop) -> Self {
        let template = directory();
        let store = sqlite::open(&template.path().join("database"));
        store.migrate().await.unwrap();
        store.close().await;
        Self { shop, template: Arc::new(template) }
    }

    /// Runs a process for each fuse, and one without; `what` is told if anything is wrong.
    pub(crate) async fn run(&self, what: &str, arrivals: Arrivals, fuses: Vec<Fuse>) {
        let files = Files(directory());
        fs::copy(self.template.path().join("database"), files.database()).unwrap();
        let Arrivals(arrivals) = arrivals;
        // Some are there before the first process runs, the others come while one does.
        let (before, during) = arrivals.split_at(arrivals.len() / 2);
        let mut parts = during.chunks(during.len().div_ceil(fuses.len()).max(1));
        self.live(&files, before, &Fuse::of(1)).await;
        for fuse in &fuses {
            self.live(&files, parts.next().unwrap_or_default(), fuse).await;
        }
        self.live(&files, &[], &Fuse::none()).await;
        let heard = self.shop.take_heard();
        let deaths = fuses.iter().filter(|fuse| fuse.is_blown()).count();
        let outcome = check(&files, &arrivals, &heard, deaths).await;
        assert!(outcome.is_empty(), "{what}:\n{}", outcome.join("\n"));
    }

    /// One process: what arrives is in the queue once this returns, whether it dies or not.
    async fn live(&self, files: &Files, arrive: &[Envelope], fuse: &Fuse) {
        self.shop.burns(fuse);
        let store = sqlite::open(&files.database());
        store.take_over().await.unwrap();
        let (queue, writer) = Spool::open(&files.queue(), QUEUE_BYTES).await.unwrap();
        let mut process = JoinSet::new();
        process.spawn(async move { drop(writer.run(CancellationToken::new()).await) });
        let context = Arc::new(context(FusedStore { store: store.clone(), fuse: fuse.clone() }));
        let fused = FusedQueue { queue: queue.clone(), fuse: fuse.clone() };
        let (consumer, relayer) = (Arc::clone(&context), Arc::clone(&context));
        let channel = self.shop.channel();
        process.spawn(async move { consume::run(consumer, fused, CancellationToken::new()).await.unwrap() });
        process.spawn(async move { relay::run(relayer, channel, CancellationToken::new()).await.unwrap() });
        for envelope in arrive {
            queue.keep(envelope).await.unwrap();
        }
        tokio::select! {
            () = fuse.blown() => {}
            () = done(&store, &queue) => {}
        }
        // Everything ends where it is: transactions are rolled back, connections drop, the queue's file is left open.
        process.abort_all();
        while process.join_next().await.is_some() {}
    }
}

fn context(store: FusedStore) -> Context {
    let store: Arc<dyn Store> = Arc::new(store);
    let schedule = shared::schedule::Schedule::new(vec![Duration::from_millis(1); 20]);
    Context {
        apis: Apis::open(&Sources::default(), &store).unwrap(),
        askable: Vec::new(),
        store,
        channels: vec!["merchant_webhook"],
        limits: Limits {
            lanes: 2,
            batch_max: 4,
            batch_linger: Duration::from_micros(1),
            schedule,
            ..Limits::load(&Given::from_env(|_| None)).unwrap()
        },
        routing: Routing::default(),
        sources: Sources::default(),
        public_url: None,
        metrics: Metrics::new(&mut Registry::default()),
        health: Health::default(),
        waiting: Vec::new(),
        lookups_added: Notify::new(),
        actions_added: Notify::new(),
    }
}

async fn done(store: &SqliteStore, queue: &Spool) {
    let until = Instant::now() + DONE_WITHIN;
    loop {
        let waiting = queue.stats().events();
        let is_open = |row: &Row| row["status"] == "pending" || row["status"] == "sending";
        let open = rows(store, "deliveries").await.iter().filter(|row| is_open(row)).count();
        if waiting == 0 && open == 0 {
            return;
        }
        assert!(Instant::now() < until, "{waiting} events wait and {open} deliveries are open after {DONE_WITHIN:?}");
        sleep(LOOK_EVERY).await;
    }
}

async fn rows(store: &SqliteStore, name: &str) -> Vec<Row> {
    let table = TABLES.iter().find(|table| table.name == name).unwrap();
    store.snapshot().await.unwrap().read_table(table).try_collect().await.unwrap()
}

/// All that is not as it should be.
async fn check(files: &Files, arrivals: &[Envelope], heard: &BTreeMap<String, usize>, deaths: usize) -> Vec<String> {
    let store = sqlite::open(&files.database());
    let mut wrong = Vec::new();
    let (mut differences, mut progress) = (Vec::new(), Vec::new());
    let args = VerifyArgs { seed: Some(1), partitions: None };
    verify(&store, &Rules::default(), &args, &mut differences, &mut progress).await.unwrap();
    wrong.extend(String::from_utf8(differences).unwrap().lines().map(str::to_owned));

    let text = |row: &Row, column: &str| row[column].as_str().unwrap_or_default().to_owned();
    let key = |envelope: &Envelope| Some((envelope.source.clone(), body_key(&decode(envelope).ok()?.key)));
    let expected: BTreeSet<_> = arrivals.iter().filter_map(key).collect();
    let events = rows(&store, "events").await;
    let kept: Vec<_> = events.iter().map(|row| (text(row, "source"), body_key(&text(row, "event_key")))).collect();
    expect(&mut wrong, "events", &kept, &expected.into_iter().collect());

    let broken = arrivals.iter().filter(|envelope| decode(envelope).is_err());
    let broken: BTreeSet<_> = broken.map(|envelope| envelope.id.to_string()).collect();
    let dead: Vec<_> = rows(&store, "dead_letters").await.iter().map(|row| text(row, "id")).collect();
    expect(&mut wrong, "dead letters", &dead, &broken.into_iter().collect());

    let actions: Vec<_> = rows(&store, "actions").await.iter().map(|row| text(row, "id")).collect();
    let deliveries = rows(&store, "deliveries").await;
    let promised: Vec<_> = deliveries.iter().map(|row| text(row, "action_id")).collect();
    expect(&mut wrong, "deliveries", &promised, &actions);
    for delivery in &deliveries {
        let times =
            heard.get(&format!("{}_merchant_webhook", text(delivery, "action_id"))).copied().unwrap_or_default();
        match text(delivery, "status").as_str() {
            "sent" if times == 0 => {
                wrong.push(format!("marked as sent, and nobody heard of it: {}", Value::from(delivery.clone())))
            }
            "sent" | "superseded" => {}
            other => wrong.push(format!("{other} at the end: {}", Value::from(delivery.clone()))),
        }
    }
    wrong.extend(check_heard(heard, &actions, deaths));
    wrong
}

/// What the shop should not have heard. Only who died between telling and marking leaves it to the next one to tell again.
fn check_heard(heard: &BTreeMap<String, usize>, actions: &[String], deaths: usize) -> Vec<String> {
    let is_promised = |id: &str| actions.iter().any(|action| id.starts_with(action.as_str()));
    let strange = heard.keys().filter(|id| !is_promised(id)).map(|id| format!("told, and never promised: {id}"));
    let often = heard.iter().filter(|(_, times)| **times > 1 + deaths);
    let often = often.map(|(id, times)| format!("told {times} times, with {deaths} deaths: {id}"));
    strange.chain(often).collect()
}

/// Airalo's alerts have no identity but their body and their time.
fn body_key(key: &str) -> String {
    key.split('@').next().unwrap_or_default().to_owned()
}

fn expect<T: Ord + Clone + std::fmt::Debug>(wrong: &mut Vec<String>, what: &str, seen: &[T], expected: &Vec<T>) {
    let sorted = |list: &[T]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    if sorted(seen) != sorted(expected) {
        wrong.push(format!("{what}: {seen:?} instead of {expected:?}"));
    }
}
