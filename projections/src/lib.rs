//! stub
#![allow(missing_docs, clippy::allow_attributes_without_reason)]
pub mod medusa {
    #[derive(Clone, Debug, Default)]
    pub struct Customer;
    impl Customer {
        pub fn apply(&mut self, _: &events::record::Record<events::CustomerEvent>) {}
    }
    #[derive(Clone, Debug, Default)]
    pub struct Group;
    impl Group {
        pub fn apply(&mut self, _: &events::record::Record<events::GroupEvent>) {}
    }
}
pub mod shopline {
    #[derive(Clone, Debug, Default)]
    pub struct Customer;
    impl Customer {
        pub fn apply(&mut self, _: &events::record::Record<events::CustomerEvent>) {}
    }
}
