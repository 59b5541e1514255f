/* Configurations of both programs: agent.yaml and aggregator.yaml. */
#include "check.h"

#include "agent/home.h"
#include "aggregator/folder.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  file = memfd_create("configuration", MFD_CLOEXEC);
  CHECK(file >= 0);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CHECK(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);
  g_autoptr(GError) agent_error = NULL, aggregator_error = NULL;
  bool sound = home_check_config(path, &agent_error);
  check_error(sound, agent_error);
  CLEANUP(aggregator_config_free)
  struct aggregator_config *config = folder_config(path, NULL, &aggregator_error);
  check_error(config != NULL, aggregator_error);
  if (config) CHECK(config->data && config->catalogue && config->listen && config->enrol);
  return 0;
}
