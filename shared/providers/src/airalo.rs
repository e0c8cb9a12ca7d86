//! Airalo (Partner API v2): finished orders, warnings about data and validity, and the shop's credit.

mod answer;
mod signature;
mod webhook;

use shared::lookup::Question;

use crate::answer::{SupportedLookup, deny_esim, deny_nothing, deny_order};
use crate::dialect::{Dialect, LookupPolicy};

pub(crate) static DIALECT: Dialect = Dialect {
    signature: Some(signature::SCHEME),
    read_webhook: webhook::read,
    changes_per_attempt: &[],
    lookups: &[
        SupportedLookup { kind: Question::Order, read: answer::read_order, deny: deny_order },
        SupportedLookup { kind: Question::Esim, read: answer::read_esim, deny: deny_esim },
        SupportedLookup { kind: Question::Usage, read: answer::read_usage, deny: deny_nothing },
    ],
    lookup_policy: LookupPolicy {
        is_thin: false,
        esim_confirmed_by: Question::Esim,
        esim_answer_tells_order: false,
        polled: Some(Question::Usage),
    },
};
