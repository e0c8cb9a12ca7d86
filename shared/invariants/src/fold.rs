//! What must hold of several bodies about whatever they are about: they end in the same rows and the same true promises
//! forwards, backwards, and with the first of them once more at the end.

use providers::decode;
use shared::Timestamp;
use shared::origin::Provider;

use crate::input::Input;
use crate::worker::{Arrival, Inbox, Worker};

/// More would make a try slow, and say little more.
const EVENTS_MAX: usize = 8;

/// The inputs of the other targets, with an empty line between them; one of their words is the provider.
pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let arrivals: Vec<Arrival> = text.split("\n\n").filter_map(read).take(EVENTS_MAX).collect();
    let forwards = end(arrivals.iter());
    let ways = [end(arrivals.iter().rev()), end(arrivals.iter().chain(arrivals.first()))];
    for worker in ways {
        assert_eq!(worker.states(), forwards.states(), "the rows");
        assert_eq!(worker.holding(Timestamp::MIN_UTC), forwards.holding(Timestamp::MIN_UTC), "what is true to tell");
    }
}

fn read(input: &str) -> Option<Arrival> {
    let input = Input::new(input.as_bytes());
    let envelope = input.envelope(input.words().find_map(Provider::parse)?);
    let event = decode(&envelope).ok()?;
    Some(Arrival { envelope, event })
}

fn end<'a>(arrivals: impl Iterator<Item = &'a Arrival>) -> Worker {
    let mut worker = Worker::default();
    for arrival in arrivals {
        worker.apply(Inbox::EveryTime, [arrival]);
    }
    worker.check_end();
    worker
}
