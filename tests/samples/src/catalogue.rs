//! Every sample there is, in an order in which a provider could send them.

use chrono::TimeDelta;

use crate::{Sample, Source};

const MINUTES_5: TimeDelta = TimeDelta::minutes(-5);

/// A sample by itself, of something that happened five minutes before it is sent.
macro_rules! sample {
    ($source:ident, $name:literal $(, $field:ident: $value:expr)*) => {
        Sample {
            $($field: $value,)*
            ..Sample {
                name: $name,
                source: Source::$source,
                body: include_str!(concat!("../payloads/", $name, ".json")),
                story: $name,
                aliases: &[],
                newest: MINUTES_5,
            }
        }
    };
}

/// The shop's order, the warnings about whose eSIM follow.
const AIRALO_ORDER: &str = "airalo order";
const AIRALO_ICCID: (&str, &str) = ("87123123456889019", "891000000000009125");

/// The life of one eSIM, of which the documents show five events of five different eSIMs.
const EA_LIFE: &str = "esim access life";
const EA_ORDER: &str = "B23072016497499";
const EA_ICCID: &str = "894310817000000003";
const EA_TRAN: &str = "25052822150009";
const EA_TXN: &str = "12068951785848-1-1";

/// The same in the form of April 2026.
const EA_LIFE_2026: &str = "esim access life 2026";

/// An order of physical SIMs, then its return.
const ST_SIM_ORDER: &str = "simplifytrip sim order";
/// An order of an eSIM, then its return.
const ST_ESIM_ORDER: &str = "simplifytrip esim order";

pub const ALL: &[Sample] = &[
    sample!(Airalo, "airalo/async_order_root_request_id", story: AIRALO_ORDER),
    sample!(Airalo, "airalo/async_order_nested_request_id"),
    sample!(Airalo, "airalo/async_order_failed"),
    sample!(Airalo, "airalo/low_data_75_percent", story: AIRALO_ORDER, aliases: &[AIRALO_ICCID]),
    sample!(Airalo, "airalo/low_data_3days", story: AIRALO_ORDER, aliases: &[AIRALO_ICCID]),
    sample!(Airalo, "airalo/credit_limit"),
    sample!(Yoni, "yoni/completed"),
    sample!(Yoni, "yoni/failed"),
    sample!(EsimAccess, "esim_access/check_health"),
    sample!(EsimAccess, "esim_access/order_status", story: EA_LIFE),
    sample!(EsimAccess, "esim_access/smdp_event_download", story: EA_LIFE, newest: TimeDelta::minutes(-300), aliases: &[
        ("B25091113270004", EA_ORDER), ("8997250230000292199", EA_ICCID), ("25091113270004", EA_TRAN),
    ]),
    sample!(EsimAccess, "esim_access/esim_status_in_use", story: EA_LIFE, newest: TimeDelta::minutes(-240), aliases: &[
        ("B25080904020011", EA_ORDER), ("8943108170001029660", EA_ICCID), ("25080904020011", EA_TRAN),
        ("f0b7c1d29e5a43b8", EA_TXN),
    ]),
    sample!(EsimAccess, "esim_access/data_usage", story: EA_LIFE, aliases: &[
        ("B25052822150009", EA_ORDER), ("8943108170001029631", EA_ICCID), ("unique_id_from_partner", EA_TXN),
    ]),
    // Its only time is that of the expiry.
    sample!(EsimAccess, "esim_access/validity_usage", story: EA_LIFE, newest: TimeDelta::days(1), aliases: &[
        ("Your_txn_id", EA_TXN),
    ]),
    sample!(EsimAccess, "esim_access/esim_status_cancel"),
    sample!(EsimAccess, "esim_access/order_status_2026", story: EA_LIFE_2026, newest: TimeDelta::minutes(-300)),
    sample!(EsimAccess, "esim_access/smdp_event_enabled_2026", story: EA_LIFE_2026, newest: TimeDelta::minutes(-250)),
    sample!(EsimAccess, "esim_access/esim_status_in_use_2026", story: EA_LIFE_2026, newest: TimeDelta::minutes(-240)),
    sample!(EsimAccess, "esim_access/data_usage_2026", story: EA_LIFE_2026),
    sample!(EsimAccess, "esim_access/validity_usage_2026", story: EA_LIFE_2026, newest: TimeDelta::days(1)),
    sample!(SimplifyTrip, "simplifytrip/esim_order_success"),
    sample!(SimplifyTrip, "simplifytrip/esim_order_fail"),
    sample!(SimplifyTrip, "simplifytrip/sim_order_update", story: ST_SIM_ORDER, newest: TimeDelta::minutes(-90)),
    sample!(SimplifyTrip, "simplifytrip/return_update", story: ST_SIM_ORDER),
    sample!(SimplifyTrip, "simplifytrip/esim_order_success_live", story: ST_ESIM_ORDER, newest: TimeDelta::minutes(-90)),
    sample!(SimplifyTrip, "simplifytrip/return_approved", story: ST_ESIM_ORDER),
    sample!(Airtm, "airtm/purchase_confirmed"),
    sample!(Airtm, "airtm/payout_completed"),
    sample!(AirtmV2, "airtm/v2_payin_confirmed"),
    sample!(AirtmV2, "airtm/v2_payin_confirmed_bare"),
    sample!(AirtmV2, "airtm/v2_payout_failed"),
];

/// The sample of that name, such as `airalo/credit_limit`.
pub fn named(name: &str) -> Option<&'static Sample> {
    ALL.iter().find(|sample| sample.name == name)
}
