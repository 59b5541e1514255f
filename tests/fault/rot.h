/* Flips one byte of a database, asks, compares; many times over. What is asked, and of whom, is the two
 * programs' that include this: rot_city.c, rot_park.c. test_bit_rot.py starts them.
 *
 *   rot_city FOLDER FILE QUESTIONS SEED FIRST COUNT
 *
 * FILE is the one of FOLDER whose bytes are flipped: the database or its log, as they lie there at the start
 * and again before each flip. QUESTIONS has one a line, from 1, words parted by tabs; the word
 * "unless=K,L:M" before one says that its answer is that of question M where both K and L ended in an error;
 * or its own all the same, with "?" behind it. Each flip has a process of its own, which answers all of them.
 * An answer may be what it was before, or an error (65 or 74) that names the database; all else is told on
 * standard output, a line each, after which comes a line of counts in JSON. Exit code 1 if there was anything
 * to tell. */
#ifndef PARKTALLY_TESTS_ROT_H
#define PARKTALLY_TESTS_ROT_H

/* In the process of a flip. Opens what is asked; an exit code, and what is wrong on standard error. */
typedef int rot_opener(const char *folder);
/* Answers on standard output; likewise. `words` is ended by NULL. */
typedef int rot_answerer(const char *folder, char **words, int count);

int rot_main(int argc, char **argv, const char *database, rot_opener *open, rot_answerer *answer);

#endif
