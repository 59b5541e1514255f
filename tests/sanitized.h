/* Whether the test is built with a sanitizer, which has a heap of its own, and takes its time. */
#ifndef PARKTALLY_TESTS_SANITIZED_H
#define PARKTALLY_TESTS_SANITIZED_H

#if defined(__has_feature) /* clang */
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
