/* The commands of park-agent, one file each; main.c has their table. Each takes its own words and returns an
 * exit code. */
#ifndef PARKTALLY_AGENT_COMMANDS_H
#define PARKTALLY_AGENT_COMMANDS_H

int command_join(int argc, char **argv);
int command_check(int argc, char **argv);
int command_push(int argc, char **argv);
int command_run(int argc, char **argv);
int command_status(int argc, char **argv);
int command_inquiries(int argc, char **argv);
int command_answer(int argc, char **argv);
int command_apply(int argc, char **argv);
int command_applications(int argc, char **argv);
int command_admissions(int argc, char **argv);
int command_admit(int argc, char **argv);
int command_key_rotate(int argc, char **argv);
int command_receipts_verify(int argc, char **argv);
int command_outbox_check(int argc, char **argv);
int command_outbox_export(int argc, char **argv);
int command_outbox_import(int argc, char **argv);

#endif
