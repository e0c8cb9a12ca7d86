//! The truth: what the tables must say and what must have been promised, from what was delivered. It is a second opinion,
//! made of the documents: of all that was said of a column the latest holds, by the provider's time; what has no time,
//! or one that is not believed, is older than all that has; of one time, the one that is further along holds.

mod esim;
mod promises;
mod rows;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::TimeDelta;
use samples::Source;

use crate::event::{Entity, Event, Said, Table, Time, Value, Warning};

pub use promises::Promise;

/// A provider's time may lie so far after our receipt; beyond that the fact counts as one without a time.
pub(crate) const BELIEVED_AHEAD: TimeDelta = TimeDelta::hours(1);

/// An event that was delivered.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    pub event: &'a Event,
    pub source: Source,
    /// It was received between these two moments; of several copies nobody knows which one counts.
    pub between: (Time, Time),
}

/// From the first request to the look at the tables: in this time our clock has looked, nobody knows when.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: Time,
    pub until: Time,
}

pub type Row = BTreeMap<&'static str, Option<Value>>;

#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// What each row must say: one of these. Several only where our own clock may have looked in between.
    pub rows: BTreeMap<Entity, Vec<Row>>,
    pub promises: Vec<Promise>,
    /// Entities of which a time lies so near to what is believed that the truth depends on the moment of receipt.
    pub undecided: Vec<Entity>,
}

/// Something that was said, as we may take it.
#[derive(Debug, Clone, Copy)]
struct Claim<'a> {
    said: &'a Said,
    /// Without what is not believed.
    at: Option<Time>,
}

impl Claim<'_> {
    /// The greatest of a column's holds.
    fn order(&self, other: &Self) -> Ordering {
        let (said, others) = (self.said, other.said);
        let by_time = (said.firm, self.at, said.sequence).cmp(&(others.firm, other.at, others.sequence));
        let by_rank = || (said.rank, &said.value, &said.with).cmp(&(others.rank, &others.value, &others.with));
        by_time.then_with(by_rank)
    }

    fn text(&self) -> &str {
        match &self.said.value {
            Value::Text(text) => text,
            Value::Number(_) | Value::Time(_) | Value::Flag(_) => "",
        }
    }
}

/// All that was said of one entity.
struct Case<'a> {
    entity: &'a Entity,
    source: Source,
    claims: Vec<Claim<'a>>,
    /// With when each was received.
    warnings: Vec<(&'a Warning, (Time, Time))>,
    is_test: bool,
    is_doubtful: bool,
}

impl<'a> Case<'a> {
    fn new(entity: &'a Entity, source: Source) -> Self {
        let (claims, warnings) = (Vec::new(), Vec::new());
        Self { entity, source, claims, warnings, is_test: false, is_doubtful: false }
    }

    fn hear(&mut self, said: &'a Said, (earliest, latest): (Time, Time)) {
        let is_believed = |received: Time| said.at.is_some_and(|at| at <= received + BELIEVED_AHEAD);
        self.is_doubtful |= is_believed(earliest) != is_believed(latest);
        self.claims.push(Claim { said, at: said.at.filter(|_| is_believed(earliest)) });
    }

    fn latest(&self, column: &str) -> Option<Claim<'a>> {
        let of_column = self.claims.iter().filter(|claim| claim.said.column == column);
        of_column.max_by(|one, other| one.order(other)).copied()
    }

    /// All that was ever said of a column.
    fn ever(&self, column: &'static str) -> impl Iterator<Item = &Claim<'a>> {
        self.claims.iter().filter(move |claim| claim.said.column == column)
    }

    fn was_ever(&self, column: &'static str, status: &str) -> bool {
        self.ever(column).any(|claim| claim.text() == status)
    }
}

/// What must be, of these events. Copies are one event, and to be given once.
pub fn truth(heard: &[Heard<'_>], span: Span) -> Truth {
    let mut truth = Truth::default();
    for case in cases(heard).into_values() {
        if case.is_doubtful {
            truth.undecided.push(case.entity.clone());
            continue;
        }
        let plans = esim::plans(&case, span);
        truth.rows.insert(case.entity.clone(), rows::of(&case, &plans));
        truth.promises.extend(match case.entity.table {
            Table::Orders => promises::of_order(&case),
            Table::Esims => esim::promises(&case, &plans, span),
            Table::Payments => promises::of_payment(&case),
            Table::Returns => promises::of_return(&case),
        });
    }
    truth.promises.extend(heard.iter().filter_map(promises::of_credit));
    truth
}

fn cases<'a>(heard: &[Heard<'a>]) -> BTreeMap<&'a Entity, Case<'a>> {
    let mut cases: BTreeMap<&Entity, Case<'_>> = BTreeMap::new();
    for Heard { event, source, between } in heard {
        let is_test = event.inbox.is_test;
        for said in &event.meaning.said {
            let case = cases.entry(&said.entity).or_insert_with(|| Case::new(&said.entity, *source));
            case.is_test |= is_test;
            case.hear(said, *between);
        }
        for (entity, warning) in &event.meaning.warnings {
            let case = cases.entry(entity).or_insert_with(|| Case::new(entity, *source));
            case.is_test |= is_test;
            case.warnings.push((warning, *between));
        }
    }
    cases
}

#[cfg(test)]
mod tests;
