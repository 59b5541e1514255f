/* What a command prints, kept while it runs. */
#ifndef PARKTALLY_TESTS_CAPTURE_H
#define PARKTALLY_TESTS_CAPTURE_H

#include "common/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

struct capture {
  int saved[2];
  FILE *file[2];
  char out[16384], err[16384];
};

static inline void capture_begin(struct capture *capture)
{
  fflush(NULL);
  for (int i = 0; i < 2; i++) {
    capture->saved[i] = dup(i + 1);
    capture->file[i] = tmpfile();
    assert_true(dup2(fileno(capture->file[i]), i + 1) >= 0);
  }
}

static inline void capture_end(struct capture *capture)
{
  char *texts[] = {capture->out, capture->err};
  assert_true(control_output_flush(control_output_standard()));
  fflush(NULL);
  for (int i = 0; i < 2; i++) {
    dup2(capture->saved[i], i + 1);
    close(capture->saved[i]);
    rewind(capture->file[i]);
    texts[i][fread(texts[i], 1, sizeof capture->out - 1, capture->file[i])] = '\0';
    fclose(capture->file[i]);
  }
}

#endif
