/** On a phone the columns of a table are few and fixed: there is no room to choose them. */
export const roomy = matchMedia('(min-width: 600px)').matches;
