//! The order in which everything is sent: life overlaps life, and chaos moves, repeats and drops what it will.

use crate::chaos::Chaos;
use crate::event::{Event, Nature};
use crate::life::{Life, World};

/// One message that a provider has to deliver, with all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parcel {
    /// When its turn is, among all others.
    turn: i64,
    /// Its life's place among those that are played.
    pub life: usize,
    /// Its event's place in the life.
    pub event: usize,
    /// 0, or the number of the copy.
    pub copy: u32,
}

/// A life's events come so many turns apart, of which a life has one: about as many lives go on side by side as a life
/// has events, times this.
const STRIDE: i64 = 3;
/// What is late comes so many lives later.
const LATE: std::ops::RangeInclusive<i64> = 20..=200;
/// How often a copy comes that comes often.
const BURST: u32 = 12;

/// All that is sent, in its order. What gets lost is not in it.
pub fn parcels(world: &World, lives: &[Life], chaos: &Chaos) -> Vec<Parcel> {
    let mut parcels = Vec::new();
    for (place, life) in lives.iter().enumerate() {
        let mut random = world.random(life.number, "way");
        let born = i64::try_from(place).unwrap_or(i64::MAX);
        for (number, event) in life.events.iter().enumerate() {
            let mut turn = born + STRIDE * i64::try_from(number).unwrap_or_default();
            let window = i64::from(chaos.window);
            // Each is drawn whether it is needed or not, so that one knob does not move what another one does.
            let (is_lost, moves, is_late) =
                (random.chance(chaos.loss), random.chance(chaos.reorder), random.chance(chaos.delay));
            let (by, later) = (random.between(-window..=window), random.between(LATE));
            let copies = copies(&mut random, chaos);
            turn += if moves { by } else { 0 } + if is_late { later } else { 0 };
            if is_lost && is_sent_by_provider(event) {
                continue;
            }
            let copies = if is_sent_by_provider(event) { copies } else { 0 };
            for copy in 0..=copies {
                let again = if copy == 0 { 0 } else { random.between(0..=window) };
                parcels.push(Parcel { turn: turn + again, life: place, event: number, copy });
            }
        }
    }
    parcels.sort_unstable();
    parcels
}

fn copies(random: &mut crate::random::Random, chaos: &Chaos) -> u32 {
    let (comes_again, often) = (random.chance(chaos.duplicates), random.chance(0.1));
    match (comes_again, often) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => BURST,
    }
}

fn is_sent_by_provider(event: &Event) -> bool {
    !matches!(event.nature, Nature::Forged(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Cast;

    fn plan(chaos: Chaos) -> (Vec<Life>, Vec<Parcel>) {
        let base = "2026-05-01T12:00:00Z".parse().unwrap();
        let cast = Cast { seed: 4, run: "a".to_owned(), base, esims: 150, life: None, chaos };
        let lives = cast.lives();
        let parcels = parcels(&cast.world(), &lives, &chaos);
        (lives, parcels)
    }

    fn turns(parcels: &[Parcel]) -> Vec<(usize, usize)> {
        parcels.iter().map(|parcel| (parcel.life, parcel.event)).collect()
    }

    #[test]
    fn without_chaos_each_message_is_sent_once_and_in_order() {
        let (lives, parcels) = plan(Chaos::NONE);
        assert_eq!(parcels.len(), lives.iter().map(|life| life.events.len()).sum::<usize>());
        for life in 0..lives.len() {
            let events: Vec<_> = parcels.iter().filter(|parcel| parcel.life == life).map(|p| p.event).collect();
            assert!(events.is_sorted(), "{events:?}");
        }
        assert!(!turns(&parcels).is_sorted(), "lives go on side by side");
    }

    #[test]
    fn each_knob_moves_what_it_says() {
        let (lives, calm) = plan(Chaos::NONE);
        let count: usize = lives.iter().map(|life| life.events.len()).sum();
        let (_, doubled) = plan(Chaos { duplicates: 0.5, ..Chaos::NONE });
        assert!(doubled.len() > count * 3 / 2 && doubled.iter().any(|parcel| parcel.copy == BURST));
        let (_, lost) = plan(Chaos { loss: 0.5, ..Chaos::NONE });
        assert!(lost.len() > count / 3 && lost.len() < count * 2 / 3, "{} of {count}", lost.len());
        for chaos in [Chaos { reorder: 0.5, ..Chaos::NONE }, Chaos { delay: 0.3, ..Chaos::NONE }] {
            let (_, moved) = plan(chaos);
            let sorted = |parcels: &[Parcel]| {
                let mut turns = turns(parcels);
                turns.sort_unstable();
                turns
            };
            assert_ne!(turns(&moved), turns(&calm));
            assert_eq!(sorted(&moved), sorted(&calm), "the same messages");
        }
    }

    #[test]
    fn the_same_seed_has_the_same_plan() {
        assert_eq!(plan(Chaos::SOME).1, plan(Chaos::SOME).1);
    }
}
