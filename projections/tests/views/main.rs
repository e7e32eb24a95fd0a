//! Given what happened, then what each shop shows.

// The attribute tells clippy that the helpers are tests too.
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod given;
#[cfg(test)]
mod medusa;
#[cfg(test)]
mod one_customer;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod relations;
#[cfg(test)]
mod shopline;
