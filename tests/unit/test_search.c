/* The search for the fastest form, on made-up rates. */
#include "test.h"

#include <jansson.h>

#include "search.h"

/* What a form "runs at": some differ by 2% only. */
static double true_rate(const struct tr_search *search, const struct tr_kernel *kernel,
                        size_t fastest) {
    for (size_t i = 0; i < search->n; i++)
        if (search->forms[i].kernel == kernel)
            return kernel->streams + 10.0 - kernel->prefetch_bytes / 4096.0 +
                   (kernel == search->forms[fastest].kernel ? 100 : 0);
    fail();
    return 0;
}

static void forms_are_those_of_the_operation(void **state) {
    (void)state;
    const struct tr_kernel *plain = tr_kernel_find("copy_plain", "avx512");
    struct tr_search search;
    size_t lower = 0, n = 0;
    assert_int_equal(tr_search_init(plain, "avx2", &search), 0);
    assert_true(search.n > 10);
    for (size_t i = 0; i < search.n; i++) {
        const struct tr_kernel *kernel = search.forms[i].kernel;
        assert_string_equal(kernel->op->name, "copy");
        assert_true(kernel->stores != TR_STORES_UNKNOWN);
        n += !strcmp(kernel->isa, "avx512");
        lower += !strcmp(kernel->isa, "avx2") && kernel->streams == 1;
    }
    assert_true(lower > 3 && n > lower && n + lower == search.n);
    tr_search_finish(&search);
    assert_int_equal(tr_search_init(plain, NULL, &search), 0);
    assert_int_equal(search.n, n);
    tr_search_finish(&search);
}

/* Whichever form is the fastest is found, though a third of its samples are disturbed. */
static void fastest_is_found(void **state) {
    (void)state;
    const struct tr_kernel *plain = tr_kernel_find("read_plain", "sse2");
    for (size_t fastest = 0; fastest < 30; fastest += 7) {
        struct tr_search search;
        size_t samples = 0, most = 0;
        assert_int_equal(tr_search_init(plain, NULL, &search), 0);
        assert_true(search.n > fastest);
        const struct tr_kernel *expected = search.forms[fastest].kernel, *next;
        while ((next = tr_search_next(&search)) != NULL) {
            double rate = next == expected ? 100 : 40 + next->streams;
            samples++;
            if (samples > search.n && samples % 3 == 0) /* not in the only sample of round one */
                rate /= 3;
            tr_search_note(&search, rate);
        }
        assert_ptr_equal(tr_search_winner(&search), expected);
        for (size_t i = 0; i < search.n; i++)
            most = search.forms[i].samples > most ? search.forms[i].samples : most;
        /* Halving: far fewer samples than as many for each as the winner had. */
        assert_int_equal(search.forms[0].samples, most);
        assert_true(most >= 10 && samples < search.n * most / 3);
        tr_search_finish(&search);
    }
}

/* Forms that are close get as many samples as it takes to tell them apart by their best. */
static void order_of_leaving_is_kept(void **state) {
    (void)state;
    struct tr_search search;
    assert_int_equal(tr_search_init(tr_kernel_find("triad_plain", "scalar"), NULL, &search), 0);
    const struct tr_kernel *next;
    while ((next = tr_search_next(&search)) != NULL)
        tr_search_note(&search, true_rate(&search, next, 3));
    for (size_t i = 1; i < search.n; i++)
        assert_true(search.forms[i - 1].samples >= search.forms[i].samples);
    json_t *tried = tr_search_to_json(&search, "GB/s");
    assert_int_equal(json_array_size(tried), search.n);
    const json_t *first = json_array_get(tried, 0);
    assert_string_equal(json_string_value(json_object_get(first, "form")),
                        tr_search_winner(&search)->id);
    assert_true(json_number_value(json_object_get(first, "rate")) > 0);
    json_decref(tried);
    tr_search_finish(&search);
}

static void one_form_needs_no_samples(void **state) {
    (void)state;
    struct tr_search search;
    const struct tr_kernel *add = tr_kernel_find("add_plain", "sse2");
    assert_int_equal(tr_search_init(add, NULL, &search), 0);
    assert_null(tr_search_next(&search)); /* its rows are of the set MORE: no forms at all */
    assert_null(tr_search_winner(&search));
    tr_search_finish(&search);
    tr_search_finish(&search);
}

/* A product's forms are the kernel itself and rows of its flavour: other instructions, or another
 * type of weights, are none. */
static void products_have_forms_of_their_flavour(void **state) {
    (void)state;
    size_t n_rows, n_products = 0;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        const struct tr_kernel *row = &rows[i];
        if (strcmp(row->op->name, "gemv") != 0 || row->set == TR_SET_SEARCH)
            continue;
        struct tr_search search;
        assert_int_equal(tr_search_init(row, "avx2", &search), 0);
        assert_int_equal(search.n, 6);
        for (size_t k = 0; k < search.n; k++) {
            const struct tr_kernel *form = search.forms[k].kernel;
            assert_true(form == row || form->set == TR_SET_SEARCH);
            assert_int_equal(form->dtype, row->dtype);
            assert_string_equal(form->isa, row->isa);
            assert_string_equal(form->needs ? form->needs : "", row->needs ? row->needs : "");
            assert_ptr_equal(tr_search_form(row, form->id, form->isa), form);
        }
        tr_search_finish(&search);
        n_products++;
    }
    assert_true(n_products > 20);
    const struct tr_kernel *q4_k = tr_kernel_find("gemv_q4_k", "avx512");
    assert_null(tr_search_form(q4_k, "gemv_q8_0_s1_p4608_t0", "avx512"));
    assert_null(tr_search_form(q4_k, NULL, "avx512"));
    assert_null(tr_search_form(q4_k, "gemv_q4_k", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_have_forms_of_their_flavour),
        cmocka_unit_test(forms_are_those_of_the_operation),
        cmocka_unit_test(fastest_is_found),
        cmocka_unit_test(order_of_leaving_is_kept),
        cmocka_unit_test(one_form_needs_no_samples),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
