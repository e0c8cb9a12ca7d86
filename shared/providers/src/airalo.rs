//! Airalo (Partner API v2): finished orders, warnings about data and validity, and the shop's credit.

mod answer;
mod signature;
mod webhook;

use shared::lookup::LookupKind;

use crate::answer::{SupportedLookup, deny_esim, deny_nothing, deny_order};
use crate::dialect::{Dialect, LookupPolicy};

pub(crate) static DIALECT: Dialect = Dialect {
    signature: Some(signature::SCHEME),
    read_webhook: webhook::read,
    changes_per_attempt: &[],
    lookups: &[
        SupportedLookup { kind: LookupKind::Order, read: answer::read_order, deny: deny_order },
        SupportedLookup { kind: LookupKind::Esim, read: answer::read_esim, deny: deny_esim },
        SupportedLookup { kind: LookupKind::Usage, read: answer::read_usage, deny: deny_nothing },
    ],
    lookup_policy: LookupPolicy {
        is_thin: false,
        esim_confirmed_by: LookupKind::Esim,
        esim_answer_tells_order: false,
        polled: Some(LookupKind::Usage),
    },
};
