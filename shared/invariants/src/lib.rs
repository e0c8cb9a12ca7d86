//! What must hold of any input and of any event, said once: the fuzz targets ask for it of bytes that nobody thought of,
//! and the tests of all that fuzzing has kept and of whole lives. Whatever does not hold panics and says what it was.

mod authenticate;
mod decode;
mod envelope;
mod fold;
mod input;
mod outbox;
mod tables;
mod worker;

pub use outbox::{Outbox, States};
pub use worker::{Arrival, Inbox, Worker};

use samples::Source;
use shared::origin::Provider;

/// A name, under which its inputs are kept in `shared/fuzz/corpus`, and what is done with each of them.
pub type Target = (&'static str, fn(&[u8]));

/// Every way in for bytes that somebody else has made.
pub const TARGETS: [Target; 11] = [
    ("authenticate_airalo", |input| authenticate::check(Source::Airalo, input)),
    ("authenticate_airtm", |input| authenticate::check(Source::AirtmV2, input)),
    ("authenticate_simplifytrip", |input| authenticate::check(Source::SimplifyTrip, input)),
    ("decode_airalo", |input| decode::check(Provider::Airalo, input)),
    ("decode_airtm", |input| decode::check(Provider::Airtm, input)),
    ("decode_esim_access", |input| decode::check(Provider::EsimAccess, input)),
    ("decode_simplifytrip", |input| decode::check(Provider::Simplifytrip, input)),
    ("decode_yoni", |input| decode::check(Provider::Yoni, input)),
    ("envelope_in_queue", envelope::check_message),
    ("envelope_in_spool", envelope::check_spooled),
    ("fold", fold::check),
];

/// Does with `input` what the target of that name does.
pub fn check(target: &str, input: &[u8]) {
    let known = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = known.unwrap_or_else(|| unreachable!("there is no target {target}"));
    check(input);
}
