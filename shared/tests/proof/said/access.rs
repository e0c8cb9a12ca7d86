//! What eSIM Access says: unsigned, and most of it with a date.

use serde_json::{Value, json};
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::{Said, esim, order, written};

/// One of its eSIMs, by its order and its ICCID.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Esim(pub(crate) &'static str, pub(crate) &'static str);

impl Esim {
    pub(crate) fn reference(self) -> String {
        format!("{}/{}", self.0, self.1)
    }

    /// That the order has come so far; it has no date.
    pub(crate) fn order(self, seconds: i64, status: &str) -> Said {
        let content = json!({"orderNo": self.0, "orderStatus": status});
        Said::webhook(Provider::EsimAccess, seconds, json!({"notifyType": "ORDER_STATUS", "content": content}))
    }

    /// A step of the profile, by its number. The plan's status that rides along is stale from the first day on.
    pub(crate) fn profile(self, seconds: i64, sequence: impl Into<Option<u64>>, profile: &str) -> Said {
        let content = json!({"eid": "89049032", "esimStatus": "GOT_RESOURCE", "smdpStatus": profile,
                             "seqNumber": sequence.into()});
        self.notify("SMDP_EVENT", seconds, content)
    }

    pub(crate) fn plan(self, seconds: i64, plan: &str) -> Said {
        self.notify("ESIM_STATUS", seconds, json!({"esimStatus": plan}))
    }

    pub(crate) fn status(self, seconds: i64, plan: &str, profile: &str) -> Said {
        self.notify("ESIM_STATUS", seconds, json!({"esimStatus": plan, "smdpStatus": profile}))
    }

    pub(crate) fn usage(self, seconds: i64, total: u64, used: u64) -> Said {
        let content = json!({"totalVolume": total, "orderUsage": used, "remain": total.saturating_sub(used),
                             "lastUpdateTime": written(seconds)});
        self.notify("DATA_USAGE", seconds, content)
    }

    /// That the plan ends at `end`, in so many days.
    pub(crate) fn validity(self, seconds: i64, end: i64, days: u32) -> Said {
        let content = json!({"durationUnit": "DAY", "totalDuration": 30, "expiredTime": written(end), "remain": days});
        self.notify("VALIDITY_USAGE", seconds, content)
    }

    fn notify(self, notify_type: &str, seconds: i64, content: Value) -> Said {
        let mut content = content;
        for (name, said) in [("orderNo", self.0), ("iccid", self.1), ("esimTranNo", "25"), ("transactionId", "t")] {
            content[name] = said.into();
        }
        let id = format!("{notify_type}-{seconds}");
        let body = json!({"notifyType": notify_type, "notifyId": id, "eventGenerateTime": written(seconds),
                          "content": content});
        Said::webhook(Provider::EsimAccess, seconds, body)
    }

    /// Its API about the order: with the code, once there is one.
    pub(crate) fn answers_order(self, seconds: i64, code: Option<&str>, plan: &str) -> Said {
        let about = (order(self.0), LookupKind::Order, Hints::default());
        Said::answer(Provider::EsimAccess, seconds, about, Some(self.found(code, plan, 0)))
    }

    pub(crate) fn answers_esim(self, seconds: i64, code: Option<&str>, plan: &str, used: u64) -> Said {
        let about = (esim(&self.reference()), LookupKind::Esim, Hints::default());
        Said::answer(Provider::EsimAccess, seconds, about, Some(self.found(code, plan, used)))
    }

    /// Its API knows no such order.
    pub(crate) fn denies_order(self, seconds: i64) -> Said {
        Said::answer(Provider::EsimAccess, seconds, (order(self.0), LookupKind::Order, Hints::default()), None)
    }

    pub(crate) fn denies_esim(self, seconds: i64) -> Said {
        let about = (esim(&self.reference()), LookupKind::Esim, Hints::default());
        Said::answer(Provider::EsimAccess, seconds, about, None)
    }

    fn found(self, code: Option<&str>, plan: &str, used: u64) -> Value {
        let code = code.map(|code| format!("LPA:1$rsp.example${code}"));
        let esim = json!({"orderNo": self.0, "iccid": self.1, "esimTranNo": "25", "ac": code, "esimStatus": plan,
                          "smdpStatus": "ENABLED", "totalVolume": 1000, "orderUsage": used, "pin": "1234"});
        json!({"success": true, "obj": {"esimList": [esim]}})
    }
}
