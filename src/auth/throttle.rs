//! Wrong passwords are throttled, per account and per address.
//!
//! Each has a budget of attempts that comes back with time; what was right gives its attempt back.
//! The counts stand in the memory of one process and are bounded: a table would put a write before
//! every wrong guess, and several processes only multiply a budget that is small already. Forgetting
//! one takes [`KNOWN_MAX`] others, each of which costs its maker a guess of its own.
//!
//! Whoever guesses at an account keeps its owner from signing in with the password, too, for as long
//! as it lasts; sessions, bearer tokens and the api token go on.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

/// How many accounts, and how many addresses, are known at a time.
const KNOWN_MAX: u64 = 10_000;
/// Guesses at one account, from any address.
const ACCOUNT: Budget = Budget {
    attempts: 10,
    returns_after: Duration::from_mins(1),
};
/// Guesses from one address: many people may share it.
const ADDRESS: Budget = Budget {
    attempts: 100,
    returns_after: Duration::from_secs(6),
};

#[derive(Clone, Copy, Debug)]
struct Budget {
    /// As many at once.
    attempts: u32,
    /// After as long one more.
    returns_after: Duration,
}

/// Counts attempts.
pub(super) struct Throttle {
    accounts: Cache<String, Shared>,
    addresses: Cache<IpAddr, Shared>,
}

type Shared = Arc<Mutex<Spent>>;

/// An attempt that was let through and is not decided yet. Dropped, it was a wrong one.
pub(super) struct Attempt {
    account: Shared,
    address: Shared,
}

/// When a budget is whole again; `None` is now.
#[derive(Clone, Copy, Debug, Default)]
struct Spent(Option<Instant>);

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            accounts: known(ACCOUNT),
            addresses: known(ADDRESS),
        }
    }

    /// Lets an attempt through, or says how long to wait.
    pub(super) fn attempt(
        &self,
        account: &str,
        address: IpAddr,
        now: Instant,
    ) -> Result<Attempt, Duration> {
        let attempt = Attempt {
            account: self.accounts.get_with_by_ref(account, Shared::default),
            address: self.addresses.get_with(network(address), Shared::default),
        };
        take(&attempt.address, ADDRESS, now)?;
        take(&attempt.account, ACCOUNT, now).inspect_err(|_wait| {
            // Refused, it cost nothing.
            give_back(&attempt.address, ADDRESS);
        })?;
        Ok(attempt)
    }
}

impl Attempt {
    /// The password was right.
    pub(super) fn succeeded(self) {
        give_back(&self.account, ACCOUNT);
        give_back(&self.address, ADDRESS);
    }
}

fn known<K>(budget: Budget) -> Cache<K, Shared>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(KNOWN_MAX)
        .time_to_idle(budget.returns_after * budget.attempts)
        .build()
}

/// Who has one IPv6 address has the other 2⁶⁴ of its network as well.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let prefix = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

fn take(spent: &Shared, budget: Budget, now: Instant) -> Result<(), Duration> {
    let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
    *spent = spent.take(budget, now)?;
    Ok(())
}

fn give_back(spent: &Shared, budget: Budget) {
    let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
    *spent = spent.give_back(budget);
}

impl Spent {
    /// One attempt less, or how long to wait for it.
    fn take(self, budget: Budget, now: Instant) -> Result<Self, Duration> {
        let whole = self.0.map_or(now, |whole| whole.max(now)) + budget.returns_after;
        let lack = whole.duration_since(now);
        let most = budget.returns_after * budget.attempts;
        match lack.checked_sub(most) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => Ok(Self(Some(whole))),
        }
    }

    fn give_back(self, budget: Budget) -> Self {
        Self(
            self.0
                .and_then(|whole| whole.checked_sub(budget.returns_after)),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn wrong(throttle: &Throttle, account: &str, now: Instant, times: u32) -> u32 {
        let let_through = |_: &u32| throttle.attempt(account, HERE, now).is_ok();
        u32::try_from((0..times).filter(let_through).count()).unwrap()
    }

    #[test]
    fn an_account_takes_so_many_guesses_and_then_one_a_minute() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        assert_eq!(wrong(&throttle, "a", now, 50), 10);
        let wait = throttle.attempt("a", HERE, now).err().unwrap();
        assert_eq!(wait, Duration::from_mins(1));
        assert_eq!(wrong(&throttle, "a", now + Duration::from_secs(59), 5), 0);
        assert_eq!(wrong(&throttle, "a", now + Duration::from_mins(1), 5), 1);
        let later = now + Duration::from_hours(1);
        assert_eq!(wrong(&throttle, "a", later, 50), 10);
        assert_eq!(wrong(&throttle, "b", later, 1), 1);
    }

    #[test]
    fn an_address_takes_so_many_guesses_at_whatever_accounts() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        let through = (0..300).filter(|n| wrong(&throttle, &n.to_string(), now, 1) == 1);
        assert_eq!(through.count(), 100);
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert!(throttle.attempt("x", elsewhere, now).is_ok());
    }

    #[test]
    fn what_is_right_costs_nothing() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        for _ in 0..1000 {
            throttle.attempt("a", HERE, now).ok().unwrap().succeeded();
        }
        // A refusal costs the address nothing, either.
        assert_eq!(wrong(&throttle, "a", now, 500), 10);
        assert_eq!(wrong(&throttle, "b", now, 10), 10);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        let from = |n: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, n, 0, 0, 1));
        let through = (0..200).filter(|n| throttle.attempt(&n.to_string(), from(*n), now).is_ok());
        assert_eq!(through.count(), 100);
    }
}
