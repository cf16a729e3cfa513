#include "executor/ffi_pin.h"

#include <dovetail/abi.h>

#if defined(__linux__) && defined(__ELF__)

extern void* dlsym(void* handle, const char* name) __attribute__((weak, visibility("default")));

/* Dl_info of dlfcn.h. */
typedef struct place_of_code {
  const char* file;
  void* base;
  const char* symbol;
  void* address;
} place_of_code;

enum { LAZY = 1, NO_LOAD = 4, NO_DELETE = 0x1000 }; /* of dlfcn.h on Linux */

typedef union found {
  void* address;
  int (*dladdr)(const void* address, place_of_code* place);
  void* (*dlopen)(const char* file, int flags);
} found;

void dv_ffi_pin_library(void) {
  static const char here = 0;
  void* const default_handle = NULL;
  if (!dlsym) return;
  found dladdr, dlopen;
  dladdr.address = dlsym(default_handle, "dladdr");
  dlopen.address = dlsym(default_handle, "dlopen");
  place_of_code place;
  if (!dladdr.address || !dlopen.address || !dladdr.dladdr(&here, &place)) return;
  dlopen.dlopen(place.file, LAZY | NO_LOAD | NO_DELETE); /* NULL for a program: it stays anyway */
}

#else

void dv_ffi_pin_library(void) {}

#endif
