use std::collections::BTreeSet;

use super::*;
use crate::chaos::Chaos;

fn world(run: &str) -> World {
    World { seed: 11, run: run.to_owned(), base: "2026-05-01T12:00:00Z".parse().unwrap(), clocks: Chaos::SOME.clocks }
}

fn told(world: &World, numbers: std::ops::RangeInclusive<u64>) -> Vec<Vec<u8>> {
    let lives = numbers.map(|number| Chaos::SOME.intrude(world, world.life(number)));
    lives.flat_map(|life| life.events).map(|event| event.body.bytes(event.at)).collect()
}

#[test]
fn the_same_seed_plays_the_same_lives_byte_for_byte() {
    assert_eq!(told(&world("a"), 1..=150), told(&world("a"), 1..=150));
    let another = World { seed: 12, ..world("a") };
    assert_ne!(told(&world("a"), 1..=20), told(&another, 1..=20));
}

#[test]
fn a_life_is_the_same_whatever_is_played_with_it() {
    let all = told(&world("a"), 1..=40);
    let alone = told(&world("a"), 17..=17);
    assert!(!alone.is_empty() && all.windows(alone.len()).any(|some| some == alone));
}

#[test]
fn another_run_plays_the_same_lives_under_other_names() {
    let (one, other) = (world("a"), world("b"));
    let mut names = BTreeSet::new();
    for number in 1..=200 {
        let (one, other) = (one.life(number), other.life(number));
        assert_eq!((one.source, one.skew, one.events.len()), (other.source, other.skew, other.events.len()));
        for (one, other) in one.events.iter().zip(&other.events) {
            assert_eq!((one.at, one.meaning.said.len()), (other.at, other.meaning.said.len()));
            assert_ne!(one.body, other.body, "life {number}");
            names.extend([one, other].map(|event| event.body.identity()));
        }
    }
    assert!(names.len() > 1_000, "{} messages", names.len());
}

#[test]
fn nothing_has_happened_yet_that_lies_ahead() {
    let world = world("a");
    let events = (1..=500).flat_map(|number| world.life(number).events);
    assert!(events.into_iter().all(|event| event.at <= world.base));
}

#[test]
fn no_time_lies_where_the_length_of_a_run_would_decide_whether_it_is_believed() {
    let world = world("a");
    for life in (1..=400).map(|number| world.life(number)) {
        let times = life
            .events
            .iter()
            .flat_map(|event| event.meaning.said.iter().filter_map(|said| said.at).chain(event.inbox.occurred_at));
        for time in times {
            let ahead = time - world.base;
            let is_doubtful = ahead > TimeDelta::minutes(50) && ahead < TimeDelta::hours(12);
            assert!(!is_doubtful, "life {}: {time}, with a clock that is ahead by {}", life.number, life.skew);
        }
    }
}

#[test]
fn all_that_can_happen_happens() {
    let world = world("a");
    let mut words = BTreeSet::new();
    for life in (1..=900).map(|number| world.life(number)) {
        words.insert(format!("source {}", life.source.name()));
        words.extend((life.skew.abs() > TimeDelta::hours(1)).then(|| "a broken clock".to_owned()));
        for said in life.events.iter().flat_map(|event| &event.meaning.said) {
            if let (crate::event::Value::Text(text), true) = (&said.value, said.column.ends_with("status")) {
                words.insert(format!("{} {}: {text}", said.entity.table.name(), said.column));
            }
        }
    }
    let plans = ["active", "allocated", "cancelled", "depleted", "expired", "revoked", "suspended"];
    let profiles = ["deleted", "disabled", "downloaded", "enabled", "installed", "released"];
    let orders = ["cancelled", "completed", "failed", "pending", "processing", "shipping"];
    let payments = ["cancelled", "failed", "pending", "succeeded"];
    let returns = ["approved", "rejected", "requested", "reviewing"];
    let expected = [
        ("esims plan_status", &plans[..]),
        ("esims profile_status", &profiles),
        ("orders status", &orders),
        ("payments status", &payments),
        ("returns status", &returns),
    ];
    for (column, statuses) in expected {
        let found: Vec<_> = words.iter().filter_map(|word| word.strip_prefix(&format!("{column}: "))).collect();
        assert_eq!(found, statuses, "{column}");
    }
    assert!(words.contains("a broken clock"));
    assert_eq!(words.iter().filter(|word| word.starts_with("source ")).count(), Source::ALL.len());
}
