/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIRN_SANITIZED: compiled with a sanitizer, which makes everything some times slower.
 */
#ifndef FIRN_TESTS_CRASH_SANITIZED_H
#define FIRN_TESTS_CRASH_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FIRN_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FIRN_SANITIZED
#endif
#endif

#endif
