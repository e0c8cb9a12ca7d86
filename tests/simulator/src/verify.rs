//! Compares: what the tables say with what the simulator knows, in both directions. First it waits until nothing moves any
//! more, so that what must not be has had its chance to be.

mod ledger;
mod promised;
mod stands;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::Utc;
use tokio::time::{Instant, sleep};

use crate::event::{Entity, Time};
use crate::journal::Journal;
use crate::life::Life;
use crate::tables::{Database, Pulse, Sheet};
use crate::truth::{Span, Truth, truth};

use ledger::Ledger;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// So long nothing must have changed.
    pub quiet: Duration,
    /// How often the worker's clock looks (its `CLOCK_INTERVAL`): it gets the time for it.
    pub clock_interval: Duration,
    /// At most so long for everything that is still missing.
    pub at_most: Duration,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// By which it can be played again; `None`: of no life that was played.
    pub life: Option<u64>,
    /// The table and the row.
    pub place: String,
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.life {
            Some(life) => write!(f, "life {life} · ")?,
            None => write!(f, "no life · ")?,
        }
        write!(f, "{} · {}", self.place, self.what)
    }
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Sorted by life.
    pub differences: Vec<Difference>,
    /// Events that were delivered, each once.
    pub events: usize,
    pub rows: usize,
    pub promises: usize,
    pub dead_letters: usize,
    /// Messages of which only the inbox can say whether we have them, and which the inbox has.
    pub settled_by_inbox: usize,
    /// Rows that can't be judged, because a time lies on the line of what is believed.
    pub undecided: usize,
}

/// Looks at the tables of the run until they are as they must be, or `patience` is over. With `is_shared`, what others
/// have written since the run began is left alone.
pub async fn verify(
    journal: &Journal,
    database: &Database,
    patience: Patience,
    is_shared: bool,
    mut say: impl FnMut(&str),
) -> anyhow::Result<Verdict> {
    let lives = journal.cast.lives();
    let until = Instant::now() + patience.at_most;
    say("waiting until nothing moves any more");
    settle(journal, database, patience, until).await?;
    let mut told = None;
    loop {
        let is_over = Instant::now() >= until;
        match database.sheet(journal.since).await {
            Ok(sheet) => {
                let verdict = compare(journal, &lives, &sheet, is_shared, Utc::now());
                let count = verdict.differences.len();
                if count == 0 || is_over {
                    return Ok(verdict);
                }
                if told.replace(count) != Some(count) {
                    say(&format!("{count} differences; waiting whether they go away"));
                }
            }
            Err(error) if is_over => return Err(error),
            Err(error) => say(&format!("{error:#}; trying again")),
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Waits until the tables have been quiet, and our clock has looked since.
async fn settle(journal: &Journal, database: &Database, patience: Patience, until: Instant) -> anyhow::Result<()> {
    let (mut last, mut since) = (Pulse::default(), Instant::now());
    let looked = patience.quiet.max(patience.clock_interval.saturating_mul(2));
    loop {
        match database.pulse(journal.since).await {
            Ok(pulse) if pulse == last && pulse.open == 0 => {}
            Ok(pulse) => (last, since) = (pulse, Instant::now()),
            Err(error) if Instant::now() >= until => return Err(error),
            // A database that is away may come back.
            Err(_) => since = Instant::now(),
        }
        if since.elapsed() >= looked || Instant::now() >= until {
            return Ok(());
        }
        sleep(patience.quiet.min(Duration::from_millis(500))).await;
    }
}

/// One look. `now` is when the sheet was read.
fn compare(journal: &Journal, lives: &[Life], sheet: &Sheet, is_shared: bool, now: Time) -> Verdict {
    let ledger = Ledger::new(journal, lives, sheet);
    let truth = truth(&ledger.heard, Span { from: journal.started_at, until: now });
    let ours = ours(lives);
    let (promises, told) = promised::compare(&truth, &ours, &ledger, sheet);
    let mut differences = ledger.differences(is_shared);
    differences.extend(stands::compare(&truth, &ours, sheet, is_shared));
    differences.extend(told);
    differences.sort();
    Verdict {
        differences,
        events: ledger.heard.len(),
        rows: truth.rows.len(),
        promises,
        dead_letters: ledger.dead_letters,
        settled_by_inbox: ledger.settled_by_inbox,
        undecided: truth.undecided.len(),
    }
}

/// All entities of the lives, delivered or not, and of which life each is.
fn ours(lives: &[Life]) -> BTreeMap<&Entity, u64> {
    let mut ours = BTreeMap::new();
    for life in lives {
        for event in &life.events {
            let said = event.meaning.said.iter().map(|said| &said.entity);
            for entity in said.chain(event.meaning.warnings.iter().map(|(entity, _)| entity)) {
                ours.insert(entity, life.number);
            }
        }
    }
    ours
}

fn is_undecided(truth: &Truth, entity: &Entity) -> bool {
    truth.undecided.contains(entity)
}

#[cfg(test)]
mod tests;
