//! The self-check: folds the stored events again, in another order, and compares what comes out with the tables. It
//! reads one snapshot and writes nothing, so that it may run on live data.
//!
//! Memory is bounded by passes. An event may be about several entities that no column of it names, so each pass reads
//! all events and folds the entities of one part; an entity's part is a hash of its name.

mod difference;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use providers::decode;
use sha2::{Digest as _, Sha256};
use shared::action::{Action, announce_credit, decide};
use shared::fact::State;
use shared::fold::{EntityId, touched};
use shared::origin::Provider;
use shared::premise::{Premise, Rule};
use shared::rules::Rules;
use store::catalogue::{EntityRow, EntityTable};
use store::verification::{Counts, Expected, Kept, Wanted};
use store::{Connection, Store};
use uuid::Uuid;

use difference::Difference;

/// Events read at a time.
const PAGE: i64 = 500;
/// Rows compared at a time.
const CHUNK: usize = 200;
/// Entities of a pass, unless the number of passes is given: some 100 MB.
const PASS: i64 = 50_000;
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How to go about it.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct VerifyArgs {
    /// Repeats the order of a run that printed this number; unset: an order that is drawn
    #[arg(long)]
    pub seed: Option<u64>,
    /// Read the events so many times and hold only one part of all states at a time; unset: as many as keep memory low
    #[arg(long)]
    pub partitions: Option<NonZeroU64>,
}

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    pub events: u64,
    pub entities: u64,
    pub promises: u64,
    pub differences: u64,
}

/// Checks, prints, and fails if anything differs.
pub async fn run(
    store: &dyn Store,
    rules: &Rules,
    args: &VerifyArgs,
    out: &mut impl Write,
    progress: &mut impl Write,
) -> anyhow::Result<()> {
    let Report { seed, events, entities, promises, differences } = verify(store, rules, args, out, progress).await?;
    writeln!(
        out,
        "{events} events, {entities} entities and {promises} promises checked, {differences} differences; seed {seed}"
    )?;
    if differences > 0 {
        bail!(
            "{differences} differences between the tables and the events; `worker why <reference>` tells what an entity's \
             events say"
        );
    }
    Ok(())
}

/// Checks everything; differences are written to `out` as they are found, a line each, and how far it is to `progress`.
pub async fn verify(
    store: &dyn Store,
    rules: &Rules,
    args: &VerifyArgs,
    out: &mut impl Write,
    progress: &mut impl Write,
) -> anyhow::Result<Report> {
    let mut db = store.snapshot().await.context("opening the database for reading")?;
    let counts = db.count_rows().await.context("counting")?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let partitions = args.partitions.map_or_else(|| partitions_of(counts), NonZeroU64::get);
    let report = Report { seed, events: 0, entities: 0, promises: 0, differences: 0 };
    let pages = pages(db.find_page_ends(PAGE).await.context("finding the events")?, seed);
    writeln!(progress, "{} events, {} entities, in {partitions} passes; seed {seed}", counts.events, counts.entities)?;
    let mut check = Check { db, rules, partitions, pages, counts, report, out, progress, told: Instant::now() };
    for pass in 0..partitions {
        check.pass(pass).await?;
    }
    Ok(check.report)
}

/// So many that none holds much more than [`PASS`] entities.
fn partitions_of(counts: Counts) -> u64 {
    u64::try_from(counts.entities / PASS + 1).unwrap_or(1)
}

fn partition_of(id: &EntityId, partitions: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&id.source, &id.key).hash(&mut hasher);
    hasher.finish() % partitions
}

/// From after one id through another.
type Page = (Uuid, Uuid);

/// The pages in the order that the seed gives them. It depends on nothing else, so that a page is where it was in a
/// repeated run, even if newer ones have come between.
fn pages(ends: Vec<Uuid>, seed: u64) -> Vec<Page> {
    let starts = [Uuid::nil()].into_iter().chain(ends.clone());
    let mut pages: Vec<Page> = starts.zip(ends.into_iter().chain([Uuid::max()])).collect();
    pages.sort_by_cached_key(|(after, _)| lot(seed, *after));
    pages
}

fn lot(seed: u64, id: Uuid) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(id.as_bytes()).finalize().into()
}

/// An entity as the events have it.
struct Refolded {
    /// That of the first event seen: a source has one.
    provider: Provider,
    state: State,
}

type Part = BTreeMap<EntityId, Refolded>;

struct Check<'a, O, P> {
    db: Connection,
    rules: &'a Rules,
    partitions: u64,
    pages: Vec<Page>,
    counts: Counts,
    report: Report,
    out: &'a mut O,
    progress: &'a mut P,
    told: Instant,
}

impl<O: Write, P: Write> Check<'_, O, P> {
    async fn pass(&mut self, pass: u64) -> anyhow::Result<()> {
        let part = self.refold(pass).await?;
        self.find_rows_without_events(pass, &part).await?;
        let mut entities = part.into_iter();
        loop {
            let chunk: Part = entities.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            self.compare(&chunk).await?;
            let promised = chunk.iter().flat_map(|(id, refolded)| promises(id, &refolded.state, self.rules)).collect();
            self.find_missing_promises(promised).await?;
            self.report.entities += u64::try_from(chunk.len())?;
            self.tell(pass, "entities compared", self.report.entities)?;
        }
    }

    /// All events, each joined to what it is about, as far as that is of this part.
    async fn refold(&mut self, pass: u64) -> anyhow::Result<Part> {
        let mut part = Part::new();
        let mut read = 0;
        for (after, through) in self.pages.clone() {
            let mut page = self.db.read_page(after, through).await.context("reading events")?;
            page.sort_by_cached_key(|kept| lot(self.report.seed, kept.envelope.id));
            let mut promised = Vec::new();
            read += u64::try_from(page.len())?;
            for kept in page {
                promised.extend(self.join(pass, &mut part, &kept)?);
            }
            self.find_missing_promises(promised).await?;
            self.tell(pass, "events read", read)?;
        }
        self.report.events = read;
        Ok(part)
    }

    /// Joins one event; answers what it promises that is about no entity. What concerns the event itself is for the
    /// first pass.
    fn join(
        &mut self,
        pass: u64,
        part: &mut Part,
        Kept { envelope, event_key }: &Kept,
    ) -> anyhow::Result<Option<Wanted>> {
        let is_first = pass == 0;
        let event = match decode(envelope) {
            Ok(event) => event,
            Err(why) if is_first => {
                self.found(&Difference::Unreadable { envelope, why: &why })?;
                return Ok(None);
            }
            Err(_) => return Ok(None),
        };
        if is_first && event.key != *event_key {
            self.found(&Difference::EventKey { envelope })?;
        }
        let ids: Vec<_> = touched(&envelope.source, &event).collect();
        let credit = event.credit.as_ref().filter(|_| is_first);
        let promised = credit.map(|alert| wanted(&envelope.source, announce_credit(&event, alert)));
        for (id, fact) in ids.into_iter().zip(event.facts) {
            if partition_of(&id, self.partitions) == pass {
                let unknown = Refolded { provider: envelope.provider, state: State::unknown(&id.key) };
                part.entry(id).or_insert(unknown).state.join(fact.claims);
            }
        }
        Ok(promised)
    }

    async fn find_rows_without_events(&mut self, pass: u64, part: &Part) -> anyhow::Result<()> {
        for table in EntityTable::ALL {
            let mut after = (String::new(), String::new());
            loop {
                let page = self.db.list_entities(table, (&after.0, &after.1), PAGE).await.context("listing rows")?;
                let Some(last) = page.last() else { break };
                after = (last.source.clone(), last.key.parts().1.to_owned());
                let partitions = self.partitions;
                let is_strange = |id: &&EntityId| partition_of(id, partitions) == pass && !part.contains_key(id);
                for id in page.iter().filter(is_strange) {
                    self.found(&Difference::WithoutEvents { id })?;
                }
            }
        }
        Ok(())
    }

    async fn compare(&mut self, chunk: &Part) -> anyhow::Result<()> {
        let mut expected = Expected::default();
        for (id, Refolded { provider, state }) in chunk {
            let row = EntityRow { id, state }.to_map(*provider).context("writing a row as JSON")?;
            expected.push(&id.key, row);
        }
        for mismatch in self.db.compare_rows(&expected).await.context("comparing rows")? {
            self.found(&match &mismatch.field {
                None => Difference::WithoutRow { id: &mismatch.id },
                Some((column, stored, refolded)) => Difference::Column { id: &mismatch.id, column, stored, refolded },
            })?;
        }
        Ok(())
    }

    /// A status that the provider dates anew is told once, under the key of its first date: so what is not there by its
    /// key may be there by what it says.
    async fn find_missing_promises(&mut self, mut promised: Vec<Wanted>) -> anyhow::Result<()> {
        self.report.promises += u64::try_from(promised.len())?;
        let missing = self.db.find_missing_promises(&promised).await.context("looking for promises")?;
        promised.retain(|wanted| missing.contains(&wanted.id));
        let same = self.db.find_same_promises(&in_other_words(&promised)).await.context("looking for promises")?;
        for wanted in promised.iter().filter(|wanted| !same.contains(&wanted.id)) {
            self.found(&Difference::Promise(wanted))?;
        }
        Ok(())
    }

    fn found(&mut self, difference: &Difference<'_>) -> anyhow::Result<()> {
        self.report.differences += 1;
        Ok(writeln!(self.out, "{difference}")?)
    }

    fn tell(&mut self, pass: u64, what: &str, count: u64) -> anyhow::Result<()> {
        if self.told.elapsed() < TELL_EVERY {
            return Ok(());
        }
        self.told = Instant::now();
        let (number, of) = (pass + 1, self.partitions);
        let Counts { events, entities } = self.counts;
        Ok(writeln!(self.progress, "pass {number} of {of}: {count} {what} (of {events} events, {entities} entities)")?)
    }
}

/// All that the state is worth telling: whatever came in between, it was promised by the time the state was reached. By
/// the rules of today, that is: none remembers those of then.
fn promises(id: &EntityId, state: &State, rules: &Rules) -> Vec<Wanted> {
    let actions = decide(&id.key, &State::unknown(&id.key), state, rules);
    actions.into_iter().map(|action| wanted(&id.source, action)).collect()
}

fn wanted(source: &str, action: Action) -> Wanted {
    Wanted {
        id: action.id(source),
        source: source.to_owned(),
        action_key: action.key,
        kind: action.kind,
        order_ref: action.order_ref,
        esim_ref: action.esim_ref,
        premise: action.premise,
    }
}

/// The promises, and again as an earlier version of ours put them.
fn in_other_words(promised: &[Wanted]) -> Vec<Wanted> {
    let earlier = |wanted: &Wanted| {
        let Premise::About { subject, rule } = &wanted.premise else { return None };
        let rule = match rule {
            Rule::InstallableBy { .. } => Rule::Installable,
            Rule::OrderIs { status, product: Some(_) } => Rule::OrderIs { status: *status, product: None },
            Rule::PaymentIs { status, direction: Some(_) } => Rule::PaymentIs { status: *status, direction: None },
            _ => return None,
        };
        Some(Wanted { premise: Premise::About { subject: subject.clone(), rule }, ..wanted.clone() })
    };
    promised.iter().cloned().chain(promised.iter().filter_map(earlier)).collect()
}

#[cfg(test)]
mod tests {
    use shared::fact::EntityKey;

    use super::*;

    fn ids(count: u128) -> Vec<Uuid> {
        (1..=count).map(Uuid::from_u128).collect()
    }

    #[test]
    fn pages_hold_every_id_once_and_come_as_the_seed_says() {
        let first = pages(ids(20), 1);
        assert_ne!(first, pages(ids(20), 2));
        let mut in_order = first.clone();
        in_order.sort();
        assert_ne!(first, in_order);
        let joined = in_order.windows(2).all(|pair| pair[0].1 == pair[1].0);
        assert!(joined && in_order[0].0 == Uuid::nil() && in_order[20].1 == Uuid::max(), "{in_order:?}");
    }

    #[test]
    fn newer_pages_come_between_and_change_nothing_else() {
        let starts = |count| pages(ids(count), 7).into_iter().map(|(after, _)| after);
        let older: Vec<_> = starts(30).filter(|after| after.as_u128() <= 20).collect();
        assert_eq!(older, starts(20).collect::<Vec<_>>());
    }

    #[test]
    fn every_entity_is_of_one_part_and_none_is_empty() {
        let id = |n: u32| EntityId { source: "shop".to_owned(), key: EntityKey::Order(n.to_string()) };
        let parts: std::collections::BTreeSet<_> = (0..100).map(|n| partition_of(&id(n), 4)).collect();
        assert_eq!(parts.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
