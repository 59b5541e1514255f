/* A whole verification of a file that anybody made: its records, leaves and totals; nothing of it is trusted.
 */
#include "aggregator/verifier/verify.h"
#include "check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP(verification_free) struct verification *verification = verification_new();
  if (size == 0) return 0;
  FILE *file = fmemopen((void *)data, size, "rb");
  if (!file) return 0;
  CHECK(verification_run(verification, file));
  CHECK(verification->faults->count >= verification->faults->lines->len);
  for (unsigned n = 0; n < verification->faults->lines->len; n++)
    CHECK(g_utf8_validate(verification->faults->lines->pdata[n], -1, NULL));
  fclose(file);
  return 0;
}
