//! Long lives of several entities at all providers at once, of which nobody thought: in any order, with copies, in any
//! batches, with dates that are wrong or missing, with answers of APIs, deadlines and tests.

mod pieces;

use std::collections::BTreeSet;
use std::fmt;

use invariants::{Arrival, Inbox, Worker};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shared::action::ActionKind;
use shared::event::is_same_occurrence;
use shared::rules::Rules;

use crate::said::{DAY, HOUR, Said, at};
use crate::states::config;
use pieces::{any_rules, life};

/// How a life arrives: in another order, with copies anywhere in it, and in batches.
#[derive(Clone)]
struct Way {
    /// The events are sorted by these numbers, and a batch ends with each that is odd.
    lots: Vec<u8>,
    /// Which events come once more, and where in between.
    copies: Vec<(u8, u8)>,
}

impl fmt::Debug for Way {
    /// In one line, so that what failed can be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lots {:?}, copies {:?}", self.lots, self.copies)
    }
}

impl Way {
    fn arrange(&self, life: &[Arrival]) -> Vec<Vec<Arrival>> {
        let lot = |n: &usize| self.lots[n % self.lots.len()];
        let mut order: Vec<usize> = (0..life.len()).collect();
        order.sort_by_key(lot);
        for (which, place) in &self.copies {
            order.insert(usize::from(*place) % order.len(), usize::from(*which) % life.len());
        }
        let batches = order.chunk_by(|one, _| lot(one) % 2 == 0);
        batches.map(|batch| batch.iter().map(|n| life[*n].clone()).collect()).collect()
    }
}

fn way() -> impl Strategy<Value = Way> {
    let copies = prop::collection::vec((any::<u8>(), any::<u8>()), 0..8);
    (prop::collection::vec(any::<u8>(), 60), copies).prop_map(|(lots, copies)| Way { lots, copies })
}

/// The events of a life, each of them once: no two of them are the same to the inbox.
fn distinct(life: &[Said]) -> Vec<Arrival> {
    let mut known: Vec<Arrival> = Vec::new();
    for arrival in life.iter().map(Said::read) {
        let is_copy = |other: &Arrival| {
            let is_same = (&other.envelope.source, other.event.body_hash())
                == (&arrival.envelope.source, arrival.event.body_hash());
            let recurs =
                arrival.event.recurs && !is_same_occurrence(other.envelope.received_at, arrival.envelope.received_at);
            is_same && !recurs
        };
        if !known.iter().any(is_copy) {
            known.push(arrival);
        }
    }
    known
}

fn live(rules: &Rules, inbox: Inbox, batches: &[Vec<Arrival>]) -> Worker {
    let mut worker = Worker::new(rules.clone());
    for batch in batches {
        worker.apply(inbox, batch);
    }
    worker.check_end();
    worker
}

fn one_by_one(life: &[Arrival]) -> Vec<Vec<Arrival>> {
    life.iter().map(|arrival| vec![arrival.clone()]).collect()
}

#[track_caller]
fn assert_same_end(worker: &Worker, expected: &Worker) {
    assert_eq!(worker.states(), expected.states());
    for now in [at(0), at(2 * DAY), at(60 * DAY)] {
        assert_eq!(worker.holding(now), expected.holding(now), "true to tell at {now}");
    }
}

/// Else the laws would say less than they seem to.
#[test]
fn in_these_lives_everything_is_promised_that_can_be() {
    let mut runner = TestRunner::deterministic();
    let mut missing: BTreeSet<_> = ActionKind::ALL.iter().copied().collect();
    for _ in 0..1_000 {
        let life: Vec<_> = life().new_tree(&mut runner).unwrap().current().iter().map(Said::read).collect();
        for action in Worker::default().apply(Inbox::EveryTime, &life) {
            missing.remove(&action.kind);
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never promised: {missing:?}");
}

proptest! {
    #![proptest_config(config(200))]

    /// What the worker promises: the tables end up the same, and so does what is true to tell.
    #[test]
    fn any_order_with_copies_and_in_batches_ends_the_same(life in life(), rules in any_rules(), way in way()) {
        let life = distinct(&life);
        let expected = live(&rules, Inbox::Once, &one_by_one(&life));
        assert_same_end(&live(&rules, Inbox::Once, &way.arrange(&life)), &expected);
    }

    /// The stronger law, of which the inbox is not even needed: each copy is applied, whenever it was received.
    #[test]
    fn copies_that_are_applied_end_the_same_too(
        life in life(),
        rules in any_rules(),
        ways in (way(), way()),
        late in prop::collection::vec((any::<Index>(), 1..3 * HOUR), 0..10),
    ) {
        let again = late.iter().map(|(which, later)| which.get(&life).clone().late(*later));
        let life: Vec<_> = life.iter().cloned().chain(again).map(|said| said.read()).collect();
        let [worker, expected] =
            [ways.0, ways.1].map(|way| Way { copies: Vec::new(), ..way }).map(|way| live(&rules, Inbox::EveryTime, &way.arrange(&life)));
        assert_same_end(&worker, &expected);
    }

    /// Where a batch ends makes no difference: what stands in the rows is all that there is to know.
    #[test]
    fn batches_promise_what_single_events_do(life in life(), rules in any_rules(), way in way()) {
        let batches = way.arrange(&distinct(&life));
        let promises = |batches: &[Vec<Arrival>]| {
            let mut worker = Worker::new(rules.clone());
            batches.iter().flat_map(|batch| worker.apply(Inbox::Once, batch)).collect::<Vec<_>>()
        };
        prop_assert_eq!(promises(&batches), promises(&one_by_one(&batches.concat())));
    }

    /// A date that lies more than an hour ahead is not believed, and then it is as if there were none.
    #[test]
    fn a_date_that_is_not_believed_is_none(life in life(), rules in any_rules()) {
        let end = |date: fn(Said) -> Said| {
            let life: Vec<_> = life.iter().cloned().map(|said| date(said).read()).collect();
            live(&rules, Inbox::EveryTime, &one_by_one(&life)).states()
        };
        prop_assert_eq!(end(|said| said.dated(90 * DAY)), end(Said::undated));
    }

    /// A test reaches nobody, and changes nothing else.
    #[test]
    fn a_life_at_a_source_for_tests_differs_by_that_mark_alone(life in life(), rules in any_rules()) {
        let told = |mark: fn(Said) -> Said| {
            let life: Vec<_> = life.iter().cloned().map(|said| mark(said).read()).collect();
            let mut worker = Worker::new(rules.clone());
            let promised = worker.apply(Inbox::EveryTime, &life);
            let modes: BTreeSet<_> = promised.iter().map(|action| action.mode).collect();
            (promised.into_iter().map(|action| (action.kind, action.premise)).collect::<Vec<_>>(), modes)
        };
        let (live, _) = told(|said| said);
        let (test, modes) = told(Said::test);
        prop_assert_eq!(live, test);
        prop_assert!(modes.iter().all(|mode| *mode == shared::origin::Mode::Test), "{:?}", modes);
    }
}
