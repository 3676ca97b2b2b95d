//! What holds in every database.

pub(crate) mod back_check;
pub(crate) mod order;
pub(crate) mod sharing;
pub(crate) mod transactions;
pub(crate) mod trouble;

/// A test for each case, against one database.
macro_rules! run_the_cases {
    ($database:ty) => {
        crate::cases::run_the_cases! { $database;
            order {
                each_op_takes_effect_once_however_often_it_comes // behaviour 49, defects R22, R24
                a_compensation_of_nothing_does_nothing_and_keeps_its_action_out // defect R23
                fifty_calls_at_the_same_time_take_effect_once
                an_action_and_its_compensation_from_fifty_tasks_add_up_to_nothing
                fifty_transactions_at_the_same_time_do_not_stand_in_each_others_way
                the_uses_of_one_barrier_are_told_apart
            }
            trouble {
                a_connection_that_breaks_between_barrier_and_commit_leaves_nothing
                an_error_that_the_closure_keeps_to_itself_is_no_success
                an_error_a_refusal_a_panic_and_a_dropped_future_leave_nothing
                a_closure_that_ends_the_transaction_by_itself_is_refused
                a_barrier_that_failed_is_not_used_again
                a_missing_table_is_named
                a_gid_that_the_table_cannot_keep_is_refused
            }
            transactions {
                a_transaction_of_your_own_is_committed_by_the_barrier
                who_drives_the_transaction_himself_enters_it_first
                a_connection_without_a_transaction_is_refused
            }
            back_check {
                a_message_that_committed_is_prepared_and_its_repetition_does_nothing
                a_back_check_that_comes_first_keeps_the_local_transaction_out
                a_back_check_waits_for_the_local_transaction_in_flight
                a_back_check_does_not_wait_for_ever
                a_call_that_is_no_back_check_is_told_so
                a_row_of_a_message_that_nobody_knows_decides_nothing
            }
            sharing {
                a_row_of_go_is_honoured_and_go_honours_ours
                many_may_make_the_table_at_the_same_time
            }
        }
    };
    ($database:ty; $($group:ident { $($case:ident)+ })+) => {
        $($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(stage) = <$database as crate::bank::Bank>::open().await {
                    crate::cases::$group::$case(&stage).await;
                }
            }
        )+)+
    };
}
pub(crate) use run_the_cases;
