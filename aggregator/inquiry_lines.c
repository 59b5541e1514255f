/* Inquiries, consents and acceptance as lines, for comparing a store with what the ledger comes to. */
#include "aggregator/inquiry.h"

#include <inttypes.h>
#include <string.h>

/* Numbers of books may differ between two stores; what they stand for may not. Newly allocated. */
static char *book_name(const GArray *books, int64_t number)
{
  char period[PERIOD_TEXT_SIZE];

  for (unsigned n = 0; n < books->len; n++) {
    const struct stored_book *book = &g_array_index(books, struct stored_book, n);

    if (book->book == number)
      return g_strdup_printf("%s %s", book->form, period_format(book->period, period));
  }
  return g_strdup("?");
}

static void add_inquiries(struct store *store, const GArray *books, GPtrArray *lines)
{
  g_autoptr(GArray) inquiries = store_inquiries_all(store, NULL, 0, 0, SIZE_MAX);

  for (unsigned n = 0; n < inquiries->len; n++) {
    const struct stored_inquiry *of = &g_array_index(inquiries, struct stored_inquiry, n);
    g_autofree char *book = book_name(books, of->book);

    g_ptr_array_add(lines,
                    g_strdup_printf("inquiry %" PRIu64 " %s %s %s %s %s “%s” “%s” “%s” “%s” “%s” %d %" PRIu64
                                    " %" PRId64 " %" PRId64 " %" PRId64,
                                    of->number, book, of->unit, of->park, of->rule, of->indicator, of->found,
                                    of->expected, of->question, of->answer, of->answered_by, (int)of->state,
                                    of->about, of->asked_ms, of->answered_ms, of->settled_ms));
  }
}

static void add_consents(struct store *store, GPtrArray *lines)
{
  g_autoptr(GArray) consents = store_consents(store);

  for (unsigned n = 0; n < consents->len; n++) {
    const struct stored_consent *of = &g_array_index(consents, struct stored_consent, n);
    char period[PERIOD_TEXT_SIZE];

    g_ptr_array_add(lines, g_strdup_printf("consent %s %s %s %s %s %" PRIu64, of->form,
                                           period_format(of->period, period), of->unit, of->rule, of->area,
                                           of->position));
  }
}

static void add_acceptances(struct store *store, const GArray *books, GPtrArray *lines)
{
  g_autoptr(GArray) acceptances = store_acceptances(store);

  for (unsigned n = 0; n < acceptances->len; n++) {
    const struct stored_acceptance *of = &g_array_index(acceptances, struct stored_acceptance, n);
    g_autofree char *book = book_name(books, of->book);

    g_ptr_array_add(lines, g_strdup_printf("acceptance %s %s %" PRIu64, book, of->area, of->position));
  }
}

static int by_text(const void *left, const void *right)
{
  return strcmp(*(char *const *)left, *(char *const *)right);
}

GPtrArray *inquiry_lines(struct store *store)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) books = store_books(store, NULL);

  add_inquiries(store, books, lines);
  add_consents(store, lines);
  add_acceptances(store, books, lines);
  g_ptr_array_sort(lines, by_text);
  return lines;
}
