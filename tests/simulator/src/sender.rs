//! Sends everything over real HTTP: at a rate, many at once, and each message as often as its provider would try.

use std::collections::BTreeMap;
use std::iter::{Enumerate, Peekable};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::{SubsecRound as _, Utc};
use reqwest::Client;
use samples::{Credential, Source};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::chaos::Chaos;
use crate::client::http_client;
use crate::event::Nature;
use crate::journal::{Attempt, Cast, End, Journal, Writer};
use crate::life::{Life, World};
use crate::plan::{Parcel, parcels};
use crate::progress::Progress;
use crate::request::Request;
use crate::schedule::{Next, after, patience};

/// Where the webhooks go.
#[derive(Debug, Clone)]
pub struct Target {
    /// The base address of ingest, without a slash at the end.
    ingest_url: String,
    credentials: BTreeMap<Source, Credential>,
}

impl Target {
    /// `credential` is what each source proves itself by.
    pub fn new(ingest_url: &str, credential: impl Fn(Source) -> Credential) -> Self {
        let credentials = Source::ALL.into_iter().map(|source| (source, credential(source))).collect();
        Self { ingest_url: ingest_url.trim_end_matches('/').to_owned(), credentials }
    }

    /// Looks whether somebody is there who knows all sources, as providers do when a URL is entered.
    pub async fn check(&self) -> anyhow::Result<()> {
        let client = http_client()?;
        for (source, credential) in &self.credentials {
            let (url, name) = (&self.ingest_url, source.name());
            let request = client.head(format!("{url}{}", source.path(credential))).send();
            let status = request.await.with_context(|| format!("nobody answers at {url}; is ingest running there?"))?;
            let status = status.status().as_u16();
            ensure!(
                status == 200,
                "{url} answers {status} for the source `{name}`: ingest must know it, by the token that is given here"
            );
        }
        Ok(())
    }
}

/// How fast.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// New messages a second.
    pub rate: f64,
    /// Attempts at a time.
    pub concurrency: usize,
    /// The providers' pauses, and outages, are so many times as short.
    pub time_scale: f64,
}

/// Plays all lives of the cast. When it returns, everything is delivered, or given up by its provider.
pub async fn send(
    cast: &Cast,
    target: &Target,
    pace: Pace,
    mut writer: Writer,
    progress: &Progress,
) -> anyhow::Result<Journal> {
    let (world, lives) = (cast.world(), cast.lives());
    let parcels = parcels(&world, &lives, &cast.chaos);
    progress.all.set(u64::try_from(parcels.len()).unwrap_or(u64::MAX));
    let started = Instant::now();
    let stage = Stage {
        outages: outages(&world, &cast.chaos, pace, parcels.len(), started),
        client: http_client()?,
        target: target.clone(),
        chaos: cast.chaos,
        world,
        lives,
    };
    let stage = Arc::new(stage);
    let mut queue = Queue::new(parcels, pace.rate, started);
    let mut under_way: JoinSet<Done> = JoinSet::new();
    let mut strangers = BTreeMap::new();
    loop {
        let is_free = under_way.len() < pace.concurrency;
        if is_free && let Some(job) = queue.pop(progress) {
            let stage = Arc::clone(&stage);
            under_way.spawn(async move { stage.try_once(job).await });
            continue;
        }
        let due = queue.due().filter(|_| is_free);
        if due.is_none() && under_way.is_empty() {
            return writer.end(Utc::now());
        }
        tokio::select! {
            Some(done) = under_way.join_next() => {
                let done = done.context("an attempt broke down")?;
                let next = stage.next(&done);
                count(&done.attempt, next, progress);
                stage.check(&done, &mut strangers)?;
                if let Next::AgainAfter(pause) = next {
                    queue.put(done.job, Instant::now() + pause.div_f64(pace.time_scale));
                }
                writer.note(done.attempt)?;
            }
            () = sleep_until(due.unwrap_or(started)), if due.is_some() => {}
        }
    }
}

/// What is sent next of a message.
#[derive(Debug, Clone, Copy)]
struct Job {
    parcel: Parcel,
    /// From 1.
    attempt: usize,
}

/// What waits for its time.
struct Queue {
    started: Instant,
    /// Between one new message and the next.
    interval: Duration,
    fresh: Peekable<Enumerate<std::vec::IntoIter<Parcel>>>,
    /// Before then no new message is begun: who is late does not make up for it at once.
    fresh_due: Instant,
    /// The number keeps apart what is due at one moment.
    again: BTreeMap<(Instant, u64), Job>,
    count: u64,
}

impl Queue {
    fn new(parcels: Vec<Parcel>, rate: f64, started: Instant) -> Self {
        let fresh = parcels.into_iter().enumerate().peekable();
        let interval = Duration::from_secs_f64(1.0 / rate);
        Self { started, interval, fresh, fresh_due: started, again: BTreeMap::new(), count: 0 }
    }

    fn again_due(&self) -> Option<Instant> {
        self.again.first_key_value().map(|((due, _), _)| *due)
    }

    fn due(&mut self) -> Option<Instant> {
        let fresh = self.fresh.peek().map(|_| self.fresh_due);
        fresh.into_iter().chain(self.again_due()).min()
    }

    /// What is due. Retries go first: they have waited.
    fn pop(&mut self, progress: &Progress) -> Option<Job> {
        let now = Instant::now();
        if self.again_due().is_some_and(|due| due <= now) {
            progress.retried.add();
            return self.again.pop_first().map(|(_, job)| job);
        }
        let (place, parcel) = self.fresh.next_if(|_| self.fresh_due <= now)?;
        let planned = self.started + self.interval.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
        progress.begun.add();
        progress.lag_ms.set(u64::try_from(now.saturating_duration_since(planned).as_millis()).unwrap_or(u64::MAX));
        // A timer is never exact: what it is late by is made up for, and no more than that.
        self.fresh_due = (self.fresh_due + self.interval).max(now - self.interval.max(TIMER));
        Some(Job { parcel, attempt: 1 })
    }

    fn put(&mut self, job: Job, due: Instant) {
        self.count += 1;
        self.again.insert((due, self.count), Job { attempt: job.attempt + 1, ..job });
    }
}

struct Done {
    job: Job,
    attempt: Attempt,
    /// The provider got our answer.
    is_heard: bool,
}

/// What all attempts share.
struct Stage {
    client: Client,
    target: Target,
    world: World,
    lives: Vec<Life>,
    chaos: Chaos,
    outages: Vec<(Instant, Instant)>,
}

/// How late a timer may wake us.
const TIMER: Duration = Duration::from_millis(5);
/// After so many refusals, and nothing else, a source's secret must be wrong.
const REFUSALS_MAX: u32 = 5;

/// What ingest answers once a webhook is durable.
#[derive(Deserialize)]
struct Accepted {
    id: String,
}

impl Stage {
    async fn try_once(&self, job: Job) -> Done {
        let Parcel { life, event, copy, .. } = job.parcel;
        let life = &self.lives[life];
        let sent_at = Utc::now().trunc_subsecs(6);
        let credential = &self.target.credentials[&life.source];
        let request = Request::new(life.source, &life.events[event], credential, sent_at);
        let body = hex::encode(Sha256::digest(&request.body));
        let mut random = self.world.random(life.number, &format!("attempt {event} {copy} {}", job.attempt));
        let is_heard = !random.chance(self.chaos.lost_answers);
        let breaks_off = random.chance(self.chaos.hang_ups);
        let breaks_off = breaks_off.then(|| Duration::from_micros(random.below(4_000)));
        let end = if self.is_out() { End::Outage } else { self.post(life.source, request, breaks_off).await };
        let attempt =
            Attempt { life: life.number, event, copy, attempt: job.attempt, sent_at, ended_at: Utc::now(), body, end };
        Done { job, attempt, is_heard }
    }

    fn is_out(&self) -> bool {
        let now = Instant::now();
        self.outages.iter().any(|(from, until)| now >= *from && now < *until)
    }

    async fn post(&self, source: Source, request: Request, breaks_off: Option<Duration>) -> End {
        let mut post = self.client.post(format!("{}{}", self.target.ingest_url, request.path));
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let answer = async {
            let answer = post.body(request.body).send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        match timeout(breaks_off.unwrap_or_else(|| patience(source)), answer).await {
            Ok(Ok((status, body))) => {
                let accepted = serde_json::from_slice::<Accepted>(&body).ok();
                End::Answered { status, id: accepted.map(|accepted| accepted.id) }
            }
            Ok(Err(error)) if error.is_connect() => End::Refused,
            Ok(Err(_)) | Err(_) => End::Silent,
        }
    }

    /// Gives up where ingest takes a provider for a stranger: its secret is another one. `refusals` are counted as long as
    /// nothing of the source was accepted.
    fn check(&self, done: &Done, refusals: &mut BTreeMap<Source, Option<u32>>) -> anyhow::Result<()> {
        let life = &self.lives[done.job.parcel.life];
        let count = refusals.entry(life.source).or_insert(Some(0));
        match (&done.attempt.end, count.as_mut()) {
            (End::Answered { status: 200, .. }, _) => *count = None,
            (End::Answered { status: 401 | 404, .. }, Some(refused))
                if life.events[done.job.parcel.event].is_genuine() =>
            {
                *refused += 1;
                let name = life.source.name();
                ensure!(
                    *refused < REFUSALS_MAX,
                    "ingest refuses all that `{name}` sends: it has another secret for it than is given here"
                );
            }
            _ => {}
        }
        Ok(())
    }

    /// What the provider does now. Who forges tries once.
    fn next(&self, done: &Done) -> Next {
        let life = &self.lives[done.job.parcel.life];
        if matches!(life.events[done.job.parcel.event].nature, Nature::Forged(_)) {
            return Next::Done;
        }
        let status = match done.attempt.end {
            End::Answered { status, .. } if done.is_heard => Some(status),
            End::Answered { .. } | End::Refused | End::Silent | End::Outage => None,
        };
        after(life.source, done.job.attempt, status)
    }
}

fn count(attempt: &Attempt, next: Next, progress: &Progress) {
    progress.sent.add();
    match attempt.end {
        End::Answered { status: 200, .. } => progress.accepted.add(),
        End::Answered { status: 400..500, .. } => progress.refused.add(),
        End::Answered { .. } | End::Refused | End::Silent | End::Outage => progress.failed.add(),
    }
    if next == Next::Never && !attempt.is_accepted() {
        progress.lost.add();
    }
}

/// When the network is away: at moments of the run that the seed says.
fn outages(world: &World, chaos: &Chaos, pace: Pace, count: usize, started: Instant) -> Vec<(Instant, Instant)> {
    let mut random = world.random(0, "outages");
    let length = Duration::from_secs_f64(f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / pace.rate);
    let outage = Duration::from_secs(chaos.outage_s).div_f64(pace.time_scale);
    let mut outage = || {
        let from = started + length.mul_f64(random.share());
        (from, from + outage)
    };
    (0..chaos.outages).map(|_| outage()).collect()
}
