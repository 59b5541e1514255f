#include "common/error.h"

GQuark parktally_error_quark(void)
{
  return g_quark_from_static_string("parktally-error");
}

int error_exit_code(const GError *error)
{
  if (!error) return 0;
  if (error->domain == PARKTALLY_ERROR) return error->code;
  if (error->domain == G_FILE_ERROR) return ERROR_IO;
  if (error->domain == G_OPTION_ERROR) return ERROR_USAGE;
  return ERROR_INTERNAL;
}
