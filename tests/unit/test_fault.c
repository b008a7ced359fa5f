// SPDX-License-Identifier: MIT
/*
 * Faults by plan: what a plan may say, when its faults strike, what each of
 * them does as a driver would meet it, and the control socket.
 */
#include "vfio_client.h"

#include "../../userspace/emu/control.h"

/* Plans */

static void plans_are_read(void **state)
{
	struct fault_plan p;
	char why[400] = "";

	assert_int_equal(fault_plan_parse(&p, "dma@3,hang@5:soft,complete@7="
					  "lost irq@2=late:50ms,slow@9=2s,"
					  "remove@1", why, sizeof(why)), 0);
	assert_int_equal(p.rules, 6);
	assert_int_equal(p.rule[0].at, 3);
	assert_int_equal(p.rule[0].kind->effect, FXQ_FAULT_FAIL);
	assert_int_equal(p.rule[1].kind->effect, FXQ_FAULT_HANG);
	assert_int_equal(p.rule[2].kind->effect, FXQ_FAULT_LOST);
	assert_int_equal(p.rule[2].kind->point, FXQ_POINT_RECORD);
	assert_int_equal(p.rule[3].kind->effect, FXQ_FAULT_LATE);
	assert_int_equal(p.rule[3].ms, 50);
	assert_int_equal(p.rule[4].ms, 2000);
	assert_int_equal(p.rule[5].kind->effect, FAULT_REMOVED);
	assert_int_equal(p.every, 0);
	assert_int_equal(fault_plan_parse(&p, "", why, sizeof(why)), 0);
	assert_int_equal(p.rules, 0);
	assert_int_equal(fault_plan_parse(&p, "dma,irq,every=20,seed=7", why,
					  sizeof(why)), 0);
	assert_int_equal(p.every, 20);
	assert_int_equal(p.seed, 7);
	assert_int_equal(p.rule[1].kind->effect, FXQ_FAULT_LOST);
	assert_string_equal(why, "");
}

/* Every kind of the table can be asked for by its name. */
static void every_kind_has_its_word(void **state)
{
	struct fault_plan p;
	char text[80], why[400];
	uint32_t i;

	for (i = 0; i < n_fault_kinds; i++) {
		snprintf(text, sizeof(text), "%s@%u=%s", fault_kinds[i].name,
			 i + 1, fault_kinds[i].how);
		assert_int_equal(fault_plan_parse(&p, text, why, sizeof(why)),
				 0);
		assert_ptr_equal(p.rule[0].kind, &fault_kinds[i]);
		assert_int_equal(p.rule[0].at, i + 1);
	}
}

/* The word at fault and what may stand there; the plan in force stays. */
static void wrong_plans_are_explained(void **state)
{
	static const char *const bad[][2] = {
		{ "dam@3", "'dam'" },
		{ "dam@3", "dma, hang" },
		{ "hang@5:medium", "soft, hard" },
		{ "hang@", "'hang@'" },
		{ "hang@0", "from 1" },
		{ "hang@-1", "'-1'" },
		{ "hang@3x", "'3x'" },
		{ "hang@99999999999999999999", "'hang@'" },
		{ "irq@2=late:50", "50ms" },
		{ "irq@2=late:0ms", "50ms" },
		{ "irq@2=late:601s", "600 s" },
		{ "irq@2=late:", "50ms" },
		{ "irq@2=lost:5ms", "takes no time" },
		{ "dma@1,every=5", "without '@'" },
		{ "seed=5", "without '@'" },
		{ "dma,every=0", "'every='" },
		{ "dma,seed=", "'seed='" },
		{ "@", "there is no fault ''" },
		{ "=", "there is no fault ''" },
	};
	struct faults f;
	char why[400];
	uint32_t i;

	assert_int_equal(faults_init(&f), 0);
	assert_int_equal(faults_set(&f, "dma@9", why, sizeof(why)), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(faults_set(&f, bad[i][0], why, sizeof(why)),
				 -EINVAL);
		assert_non_null(strstr(why, bad[i][1]));
		assert_string_equal(f.plan.text, "dma@9");
	}
	faults_finish(&f);
}

static void plans_have_limits(void **state)
{
	char text[FAULT_MAX_PLAN + 8] = "", why[400];
	struct fault_plan p;
	uint32_t i;

	for (i = 0; i < FAULT_MAX_RULES; i++)
		strcat(text, "dma@1,");
	assert_int_equal(fault_plan_parse(&p, text, why, sizeof(why)), 0);
	strcat(text, "dma@1");
	assert_int_equal(fault_plan_parse(&p, text, why, sizeof(why)),
			 -EINVAL);
	memset(text, ',', FAULT_MAX_PLAN);
	text[FAULT_MAX_PLAN] = '\0';
	assert_int_equal(fault_plan_parse(&p, text, why, sizeof(why)),
			 -EINVAL);
	text[FAULT_MAX_PLAN - 1] = '\0';
	assert_int_equal(fault_plan_parse(&p, text, why, sizeof(why)), 0);
	assert_int_equal(p.rules, 0);
}

/* Which of @n runs has what: a letter for each kind of the table. */
static void faults_of_runs(const char *plan, char *got, uint32_t n)
{
	const struct fault_kind *k;
	struct faults f;
	char why[400];
	uint32_t i, ms;

	assert_int_equal(faults_init(&f), 0);
	assert_int_equal(faults_set(&f, plan, why, sizeof(why)), 0);
	for (i = 0; i < n; i++) {
		k = faults_strike(&f, FXQ_POINT_RUN, &ms);
		got[i] = k ? 'a' + (k - fault_kinds) : '.';
	}
	got[n] = '\0';
	faults_finish(&f);
}

static void faults_strike_when_they_should(void **state)
{
	char a[1001], b[1001];
	uint32_t i, n = 0;

	faults_of_runs("hang@3,slow@5,dma@1", a, 8);
	assert_string_equal(a, "..b.d...");
	faults_of_runs("hang,slow,hang=hard,every=4,seed=1", a, 1000);
	faults_of_runs("hang,slow,hang=hard,every=4,seed=1", b, 1000);
	assert_string_equal(a, b);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(a[i] != '.', i % 4 == 3);
		n += a[i] == 'c';
	}
	/* A third of 250, give or take five deviations. */
	assert_in_range(n, 46, 120);
	faults_of_runs("hang,slow,hang=hard,every=4,seed=2", b, 1000);
	assert_string_not_equal(a, b);
}

/* What a driver sees */

static struct fxq_submit copy_of_64(struct bench *b, uint32_t ctx)
{
	const struct fxq_desc s[] = {
		load(0, 0, 0, 64), wait_for(store(0, 64, 0, 64), 1, 0, 0, 0),
	};

	return rig_job(&b->rig, ctx, s, 2);
}

static void the_nth_transfer_fails(void **state)
{
	struct bench *b = *state;
	struct fxq_complete c;

	bench_plan(b, "dma@4");
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
	c = rig_copy(&b->rig, 1);
	assert_int_equal(c.cause, FXQ_CAUSE_BUS);
	assert_int_equal(c.index, 1);
	assert_int_equal(c.address, RIG_REGION + 64);
	assert_int_equal(rig_copy(&b->rig, 2).cause, 0);
}

static void a_soft_hang_ends_with_stop(void **state)
{
	struct bench *b = *state;
	uint64_t run, stop, other;
	struct fxq_complete c;

	bench_plan(b, "hang@1");
	run = rig_put(&b->rig, copy_of_64(b, 1));
	other = rig_put(&b->rig, copy_of_64(b, 2));
	while (__atomic_load_n(&b->rig.shared->progress, __ATOMIC_SEQ_CST) < 1)
		rig_pause();
	assert_false(rig_ready(&b->rig));
	stop = rig_ask(&b->rig, FXQ_SUBMIT_STOP, 1);
	c = rig_get(&b->rig);
	assert_int_equal(c.run, run);
	assert_int_equal(c.cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(c.index, 1);
	assert_int_equal(rig_get(&b->rig).run, stop);
	c = rig_get(&b->rig);
	assert_int_equal(c.run, other);
	assert_int_equal(c.cause, FXQ_CAUSE_NONE);
}

static void a_hard_hang_ends_with_reset(void **state)
{
	struct bench *b = *state;
	const struct timespec t = { .tv_nsec = 30000000 };

	bench_plan(b, "hang@1=hard");
	rig_put(&b->rig, copy_of_64(b, 1));
	while (__atomic_load_n(&b->rig.shared->progress, __ATOMIC_SEQ_CST) < 1)
		rig_pause();
	rig_ask(&b->rig, FXQ_SUBMIT_STOP, 1);
	nanosleep(&t, NULL);
	assert_int_equal(b->rig.shared->taken, 1);
	assert_false(rig_ready(&b->rig));
	rig_write(&b->rig, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	assert_int_equal(rig_settle(&b->rig), 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static void a_slow_run_makes_progress(void **state)
{
	struct bench *b = *state;
	uint64_t begin = now_ms();

	bench_plan(b, "slow@1=40ms");
	rig_put(&b->rig, copy_of_64(b, 1));
	while (__atomic_load_n(&b->rig.shared->progress, __ATOMIC_SEQ_CST) < 1)
		rig_pause();
	assert_false(rig_ready(&b->rig));
	assert_int_equal(rig_get(&b->rig).cause, 0);
	assert_true(now_ms() - begin >= 80);
}

static void a_lost_record_leaves_its_slot(void **state)
{
	struct bench *b = *state;
	uint64_t run;

	bench_plan(b, "complete@1=lost");
	rig_put(&b->rig, copy_of_64(b, 1));
	run = rig_put(&b->rig, copy_of_64(b, 1));
	rig_await_completed(&b->rig, 2);
	assert_false(rig_ready(&b->rig));
	assert_int_equal(b->rig.complete[1].run, run);
	assert_int_equal(b->rig.complete[1].phase, 1);
}

static void a_late_record_comes(void **state)
{
	struct bench *b = *state;
	uint64_t begin = now_ms();

	bench_plan(b, "complete@1=late:50ms");
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
	assert_true(now_ms() - begin >= 50);
}

static void a_doubled_record_has_two_slots(void **state)
{
	struct bench *b = *state;
	struct fxq_complete c;
	uint32_t i;

	bench_plan(b, "complete@1=twice");
	c = rig_copy(&b->rig, 1);
	assert_int_equal(rig_get(&b->rig).run, c.run);
	/* The rings turn on, each entry with its record. */
	for (i = 0; i < 2 * b->rig.depth; i++)
		assert_int_equal(rig_copy(&b->rig, 1).run, c.run + 1 + i);
}

static void forged_records_name_others(void **state)
{
	struct bench *b = *state;
	uint64_t run = rig_copy(&b->rig, 1).run;
	struct fxq_complete c;

	bench_plan(b, "complete@1=wrong-run,complete@2=wrong-context");
	c = rig_copy(&b->rig, 1);
	assert_true(c.run != run + 1);
	assert_int_equal(c.context, 1);
	c = rig_copy(&b->rig, 1);
	assert_int_equal(c.run, run + 2);
	assert_int_equal(c.context, 2);
}

/* A copy with an interrupt asked for. */
static void copy_armed(struct bench *b)
{
	__atomic_store_n(&b->rig.shared->armed, b->rig.consumed + 1,
			 __ATOMIC_SEQ_CST);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void interrupts_are_lost_late_or_doubled(void **state)
{
	struct bench *b = *state;
	uint64_t begin;

	bench_plan(b, "irq@1=lost,irq@2=late:60ms,irq@3=twice:10ms");
	copy_armed(b);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 30), 0);
	begin = now_ms();
	copy_armed(b);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 5000), 1);
	assert_true(now_ms() - begin >= 50);
	copy_armed(b);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 5000), 1);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 5000), 1);
	copy_armed(b);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 5000), 1);
}

/* An interrupt that is on its way does not survive a reset of the vectors. */
static void late_interrupts_end_with_their_vector(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "irq@1=late:40ms");
	copy_armed(b);
	bench_set_irqs(b, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		       VFIO_PCI_MSIX_IRQ_INDEX, 0, 0, NULL, 0);
	bench_connect_irqs(b);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 100), 0);
}

static void invalidations_are_slow_or_lost(void **state)
{
	struct bench *b = *state;
	uint64_t begin = now_ms();

	bench_plan(b, "invalidate@1=late:50ms,invalidate@2=lost,stop@1=lost");
	rig_ask(&b->rig, FXQ_SUBMIT_INVALIDATE, 1);
	assert_int_equal(rig_get(&b->rig).kind, FXQ_SUBMIT_INVALIDATE);
	assert_true(now_ms() - begin >= 50);
	rig_ask(&b->rig, FXQ_SUBMIT_INVALIDATE, 1);
	rig_await_completed(&b->rig, 2);
	assert_false(rig_ready(&b->rig));
	rig_ask(&b->rig, FXQ_SUBMIT_STOP, 1);
	rig_await_completed(&b->rig, 3);
	assert_int_equal(b->rig.complete[2].phase, 0);
}

static void what_is_no_job_may_be_refused(void **state)
{
	struct bench *b = *state;
	struct fxq_complete c;

	bench_plan(b, "invalidate@1=refused,stop@1=refused");
	rig_ask(&b->rig, FXQ_SUBMIT_INVALIDATE, 1);
	c = rig_get(&b->rig);
	assert_int_equal(c.kind, FXQ_SUBMIT_INVALIDATE);
	assert_int_equal(c.cause, FXQ_CAUSE_ENTRY);
	rig_ask(&b->rig, FXQ_SUBMIT_STOP, 1);
	assert_int_equal(rig_get(&b->rig).cause, FXQ_CAUSE_ENTRY);
	rig_ask(&b->rig, FXQ_SUBMIT_INVALIDATE, 1);
	assert_int_equal(rig_get(&b->rig).cause, FXQ_CAUSE_NONE);
}

static void a_reset_may_have_no_end(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "reset@1=lost");
	rig_write(&b->rig, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	rig_settle(&b->rig);
	assert_true(rig_read(&b->rig, FXQ_REG_CONTROL) & FXQ_CONTROL_RESET);
	rig_write(&b->rig, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	rig_settle(&b->rig);
	assert_false(rig_read(&b->rig, FXQ_REG_CONTROL) & FXQ_CONTROL_RESET);
}

static void a_dead_function_wants_a_reset(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "dead@1");
	rig_put(&b->rig, copy_of_64(b, 1));
	while (rig_read(&b->rig, FXQ_REG_ID) != 0xffffffff)
		rig_pause();
	assert_int_equal(bench_config(b, PCI_VENDOR_ID, 2), FXQ_PCI_VENDOR);
	assert_false(rig_ready(&b->rig));
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
	bench_master(b);
	assert_int_equal(rig_settle(&b->rig), 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static char *control(struct bench *b, const char *command)
{
	char line[80];

	strcpy(line, command);
	return control_obey(&b->function, line);
}

static void expect(struct bench *b, const char *command, const char *answer)
{
	char *got = control(b, command);

	assert_non_null(strstr(got, answer));
	free(got);
}

static void a_removed_function_is_nowhere(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "remove@1");
	rig_put(&b->rig, copy_of_64(b, 1));
	while (rig_read(&b->rig, FXQ_REG_ID) != 0xffffffff)
		rig_pause();
	assert_int_equal(bench_config(b, PCI_VENDOR_ID, 4), 0xffffffff);
	bench_master(b);
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
	assert_int_equal(bench_config(b, PCI_VENDOR_ID, 4), 0xffffffff);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 0), 0);
	bench_disconnect(b);
	bench_start(b);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

/* The control socket */

static void counts_begin_with_the_plan(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "dma@2");
	rig_copy(&b->rig, 1);
	expect(b, "counts", "\"total\":1,\"injected\":{\"dma=fail\":1}");
	expect(b, "counts", "\"transfers\":2");
	bench_plan(b, "dma@2");
	expect(b, "counts", "\"total\":0,\"injected\":{}");
}

static int connect_control(struct bench *b)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, b->control);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	return fd;
}

/* What comes back until the end of line. */
static void ask_control(int fd, const char *line, char *answer, size_t bytes)
{
	size_t n = 0;

	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	do {
		assert_true(n < bytes - 1);
		assert_int_equal(recv(fd, answer + n, 1, 0), 1);
	} while (answer[n++] != '\n');
	answer[n - 1] = '\0';
}

static void lines_are_obeyed(void **state)
{
	struct bench *b = bench_open_with(true);
	int fd = connect_control(b);
	char answer[1000];

	ask_control(fd, "status\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"function\":\"here\""));
	ask_control(fd, "remove\r\n", answer, sizeof(answer));
	assert_string_equal(answer, "ok");
	ask_control(fd, "status\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"function\":\"removed\""));
	ask_control(fd, "insert\n", answer, sizeof(answer));
	ask_control(fd, "plan dma@1,hang@2\n", answer, sizeof(answer));
	assert_string_equal(answer, "ok");
	ask_control(fd, "plan dma@one\n", answer, sizeof(answer));
	assert_int_equal(strncmp(answer, "error: ", 7), 0);
	ask_control(fd, "counts\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"plan\":\"dma@1,hang@2\""));
	ask_control(fd, "\n", answer, sizeof(answer));
	assert_int_equal(strncmp(answer, "error: ", 7), 0);
	close(fd);
	bench_close(b);
}

static void a_line_has_an_end(void **state)
{
	struct bench *b = bench_open_with(true);
	int fd = connect_control(b);
	char line[CONTROL_LINE];

	memset(line, 'x', sizeof(line));
	assert_int_equal(send(fd, line, sizeof(line), 0), sizeof(line));
	assert_true(recv(fd, line, 1, 0) <= 0);
	close(fd);
	fd = connect_control(b);
	ask_control(fd, "status\n", line, sizeof(line));
	close(fd);
	bench_close(b);
}

static void some_may_ask_at_once(void **state)
{
	struct bench *b = bench_open_with(true);
	int fd[CONTROL_CLIENTS + 1], i;
	char line[1000];

	for (i = 0; i < CONTROL_CLIENTS; i++)
		fd[i] = connect_control(b);
	for (i = 0; i < CONTROL_CLIENTS; i++)
		ask_control(fd[i], "status\n", line, sizeof(line));
	fd[i] = connect_control(b);
	assert_true(recv(fd[i], line, 1, 0) <= 0);
	for (i = 0; i <= CONTROL_CLIENTS; i++)
		close(fd[i]);
	bench_close(b);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_read),
		cmocka_unit_test(every_kind_has_its_word),
		cmocka_unit_test(wrong_plans_are_explained),
		cmocka_unit_test(plans_have_limits),
		cmocka_unit_test(faults_strike_when_they_should),
		TEST(the_nth_transfer_fails),
		TEST(a_soft_hang_ends_with_stop),
		TEST(a_hard_hang_ends_with_reset),
		TEST(a_slow_run_makes_progress),
		TEST(a_lost_record_leaves_its_slot),
		TEST(a_late_record_comes),
		TEST(a_doubled_record_has_two_slots),
		TEST(forged_records_name_others),
		TEST(interrupts_are_lost_late_or_doubled),
		TEST(late_interrupts_end_with_their_vector),
		TEST(invalidations_are_slow_or_lost),
		TEST(what_is_no_job_may_be_refused),
		TEST(a_reset_may_have_no_end),
		TEST(a_dead_function_wants_a_reset),
		TEST(a_removed_function_is_nowhere),
		TEST(counts_begin_with_the_plan),
		cmocka_unit_test(lines_are_obeyed),
		cmocka_unit_test(a_line_has_an_end),
		cmocka_unit_test(some_may_ask_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
