//! Marketing by e-mail and by phone: what a request makes of a subscription, and of the consent to it.

use events::customer::{OpenConsent, OptInLevel, Subscription};
use events::patch::Patch;
use jiff::Timestamp;

/// What a request says of one subscription and the consent to it. What it leaves out stays as it is
/// while the subscription stays; a new one has a new consent, of the single level and of now.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsentPatch {
    /// Where the subscription shall stand.
    pub subscription: Subscription,
    /// How sure it is that the customer meant it.
    pub opt_in_level: Option<OptInLevel>,
    /// When it was given or taken back.
    pub updated_at: Option<Timestamp>,
    /// Where it was collected.
    pub collected_from: Patch<String>,
    /// When the request came.
    pub now: Timestamp,
}

/// What changes of one subscription.
#[derive(Default)]
pub(super) struct Change {
    pub(super) subscription: Option<Subscription>,
    pub(super) consent: Option<OpenConsent>,
}

impl Change {
    pub(super) const fn is_none(&self) -> bool {
        self.subscription.is_none() && self.consent.is_none()
    }

    /// Where the new consent was collected.
    pub(super) fn source(&self) -> Option<&str> {
        self.consent.as_ref()?.collected_from.as_deref()
    }

    /// Source: SHOPLINE, `accepts_marketing`: true subscribes, false ends a subscription and leaves one
    /// that never was.
    pub(super) fn accept(stored: Subscription, accepts: Option<bool>) -> Self {
        let wanted = match (accepts, stored) {
            (Some(true), _) => Subscription::Subscribed,
            (Some(false), Subscription::Subscribed) => Subscription::Unsubscribed,
            (None, _)
            | (
                Some(false),
                Subscription::Unsubscribed | Subscription::Never | Subscription::Pending,
            ) => stored,
        };
        Self {
            subscription: (wanted != stored).then_some(wanted),
            consent: None,
        }
    }

    /// Source: SHOPLINE, `email_marketing_consent` and `sms_marketing_consent` v20230901.
    pub(super) fn consent(
        stored: Subscription,
        consent: Option<&OpenConsent>,
        patch: ConsentPatch,
    ) -> Self {
        let before = consent.cloned().unwrap_or_default();
        let subscription = (patch.subscription != stored).then_some(patch.subscription);
        let mut after = if subscription.is_some() {
            OpenConsent {
                updated_at: Some(patch.now),
                ..OpenConsent::default()
            }
        } else {
            before.clone()
        };
        after.opt_in_level = patch.opt_in_level.unwrap_or(after.opt_in_level);
        after.updated_at = patch.updated_at.or(after.updated_at);
        let source = patch.collected_from.against(after.collected_from.as_ref());
        source.apply(&mut after.collected_from);
        let changed = subscription.is_some() || after != before;
        Self {
            subscription,
            consent: changed.then_some(after),
        }
    }
}
