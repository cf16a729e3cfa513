#include "executor/buffer.h"

void* dv_allocate(const dv_host* host, int64_t bytes) {
  if (bytes < 0 || (uint64_t)bytes > (uint64_t)PTRDIFF_MAX) return NULL;
  return host->alloc(host->self, (size_t)bytes, DV_ALIGNMENT);
}

uint8_t* dv_buffer_data(dv_buffer* buffer) { return (uint8_t*)(void*)buffer + DV_ALIGNMENT; }

int dv_buffer_reserve(dv_buffer** buffer, int64_t bytes, const dv_host* host) {
  if (*buffer && (*buffer)->capacity >= bytes) return 1;
  if (bytes > INT64_MAX - DV_ALIGNMENT) return 0;
  dv_buffer* grown = dv_allocate(host, bytes + DV_ALIGNMENT);
  if (!grown) return 0;
  grown->references = 1;
  grown->capacity = bytes;
  dv_buffer_release(*buffer, host);
  *buffer = grown;
  return 1;
}

void dv_buffer_retain(dv_buffer* buffer) {
  __atomic_fetch_add(&buffer->references, 1, __ATOMIC_RELAXED);
}

void dv_buffer_release(dv_buffer* buffer, const dv_host* host) {
  if (!buffer) return;
  if (__atomic_fetch_sub(&buffer->references, 1, __ATOMIC_ACQ_REL) == 1) {
    host->free(host->self, buffer);
  }
}
