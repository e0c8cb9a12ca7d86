//! Yoni Tech ("eSIM Order Webhook"): whether an order came through, with the eSIM that it brought.

mod answer;
mod api;
mod webhook;

use shared::lookup::LookupKind;

use crate::answer::{SupportedLookup, deny_esim_and_order, deny_nothing, deny_order};
use crate::dialect::{Dialect, LookupPolicy};

pub(crate) static DIALECT: Dialect = Dialect {
    signature: None,
    read_webhook: webhook::read,
    changes_per_attempt: &[],
    lookups: &[
        SupportedLookup {
            kind: LookupKind::Order,
            request: api::ask_for_order,
            read: answer::read_order,
            deny: deny_order,
        },
        SupportedLookup {
            kind: LookupKind::Esim,
            request: api::ask_for_esim,
            read: answer::read_esim,
            deny: deny_esim_and_order,
        },
        SupportedLookup {
            kind: LookupKind::Usage,
            request: api::ask_for_usage,
            read: answer::read_usage,
            deny: deny_nothing,
        },
    ],
    api: api::API,
    lookup_policy: LookupPolicy {
        is_thin: false,
        esim_confirmed_by: LookupKind::Esim,
        esim_answer_tells_order: true,
        polled: Some(LookupKind::Usage),
    },
};
